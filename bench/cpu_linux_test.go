package main

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// What was computed once is never missing later, though the process that did it has ended.
func TestServerTimeOnlyGrows(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b := withDatabase(ctx, t, options{throwaway: true})
	var visitors sync.WaitGroup
	defer visitors.Wait()
	busy, done := context.WithCancel(ctx)
	defer done()
	for range 4 {
		visitors.Go(func() {
			for busy.Err() == nil {
				b.visit(busy)
			}
		})
	}
	first := b.serverTime()
	last := first
	for until := time.Now().Add(3 * time.Second); time.Now().Before(until); {
		now := b.serverTime()
		if now < last {
			t.Fatalf("the server had computed %v, then %v", last, now)
		}
		last = now
	}
	if last == first {
		t.Error("nothing was computed")
	}
}

// visit has a process of the server compute for a while, and end.
func (b *bench) visit(ctx context.Context) {
	conn, err := pgx.Connect(ctx, b.pg.server.URL("postgres", serviceName))
	if err != nil {
		return // it is over
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, _ = conn.Exec(ctx, "SELECT count(*) FROM generate_series(1, 300000)") // likewise
}
