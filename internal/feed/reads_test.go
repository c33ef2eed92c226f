package feed_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/feed"
	"github.com/usersvc/usersvc/internal/pgtest"
)

// However many consumers read the log, and however long it takes, three quarters of the connections are there for others.
func TestReadersLeaveConnectionsToOthers(t *testing.T) {
	t.Parallel()
	const consumers, connections = 20, 8
	scans := &stuck{free: make(chan struct{})}
	r := open(t, pgtest.URL(t), func(c *pgxpool.Config) { c.MaxConns, c.ConnConfig.Tracer = connections, scans })
	var over atomic.Int64
	var all sync.WaitGroup
	defer all.Wait()
	defer close(scans.free)
	for range consumers {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			_, _ = r.hub.Page(ctx, 0, feed.Filter{}, 1, 0) // most do not come to it in time
			over.Add(1)
		})
	}
	for scans.n.Load()+over.Load() < consumers {
		<-time.After(time.Millisecond)
	}
	if n := scans.n.Load(); n != connections/4 {
		t.Errorf("%d of %d connections are used", n, connections)
	}
	for range connections * 3 / 4 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		free, err := r.pool.Acquire(ctx)
		cancel()
		if err != nil {
			t.Fatalf("no connection is free: %v", err)
		}
		defer free.Release()
	}
}

// stuck has scans of the log take until they are free.
type stuck struct {
	n    atomic.Int64
	free chan struct{}
}

func (s *stuck) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if isScan(data) {
		s.n.Add(1)
		<-s.free
	}
	return ctx
}

func (s *stuck) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
