package main

import (
	"context"
	"errors"
	"testing"
)

func TestLagIsLookedAtHoweverShortTheLoad(t *testing.T) {
	t.Parallel()
	pg, err := startPostgres(t.Context(), t.TempDir(), true)
	if err == nil {
		err = pg.makeDatabase(t.Context(), serviceName)
	}
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pg.admin.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{report: new(report)}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	err = b.sampleLag(over, conn)
	conn.Release()
	if err := errors.Join(err, pg.stop()); err != nil || len(b.report.lag) == 0 {
		t.Errorf("%d looks (%v), want at least one", len(b.report.lag), err)
	}
}
