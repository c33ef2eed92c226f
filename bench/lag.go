package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const lagEvery = 10 * time.Millisecond

// How long the oldest event that user_profiles lacks has been in the log.
const selectLag = `
SELECT COALESCE(extract(epoch FROM clock_timestamp() - (
  SELECT e.recorded_at FROM eventlog.events e WHERE e.position > s.checkpoint ORDER BY e.position LIMIT 1
)), 0)
FROM derived.subscriptions s WHERE s.name = 'user_profiles'`

// watchLag looks at the projection again and again until it is stopped. The time that it takes from
// the service is small, and to the service's disadvantage.
func (b *bench) watchLag(ctx context.Context) (stop func() error, err error) {
	conn, err := b.pg.admin.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	var failed error
	watching.Go(func() { failed = b.sampleLag(ctx, conn) })
	return func() error {
		cancel()
		watching.Wait()
		conn.Release()
		return failed
	}, nil
}

// sampleLag looks at least once, however short the load: a look that is under way when it ends counts.
func (b *bench) sampleLag(ctx context.Context, conn *pgxpool.Conn) error {
	tick := time.NewTicker(lagEvery)
	defer tick.Stop()
	for {
		var seconds float64
		err := conn.QueryRow(context.WithoutCancel(ctx), selectLag).Scan(&seconds)
		if err != nil {
			return fmt.Errorf("sample the projection's lag: %w", err)
		}
		b.report.lag = append(b.report.lag, time.Duration(seconds*float64(time.Second)))
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
