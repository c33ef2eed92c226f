//go:build unix

package pgtest

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

const (
	fillDisk = `
CREATE FUNCTION public.disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER disk_full BEFORE INSERT ON eventlog.events FOR EACH STATEMENT EXECUTE FUNCTION public.disk_full()`
	clearDisk = `DROP TRIGGER disk_full ON eventlog.events`
)

// FillDisk has the log refuse events as if the disk were full (SQLSTATE 53100), until makeRoom is called.
func (d Database) FillDisk(tb testing.TB) (makeRoom func()) {
	tb.Helper()
	d.execute(tb, fillDisk)
	return func() { tb.Helper(); d.execute(tb, clearDisk) }
}

func (d Database) execute(tb testing.TB, sql string) {
	tb.Helper()
	admin, err := pgx.Connect(context.Background(), d.AdminURL)
	if err != nil {
		tb.Fatal(err)
	}
	defer admin.Close(context.Background())
	if _, err := admin.Exec(context.Background(), sql); err != nil {
		tb.Fatal(err)
	}
}
