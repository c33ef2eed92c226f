package rebuild_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/rebuild"
)

// failing counts the statements of a pool, and has one of them fail.
type failing struct{ seen, at atomic.Int64 }

func (f *failing) next(ctx context.Context) context.Context {
	if f.seen.Add(1) != f.at.Load() {
		return ctx
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	return ended
}

func (f *failing) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return f.next(ctx)
}

func (f *failing) TraceCopyFromStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceCopyFromStartData) context.Context {
	return f.next(ctx)
}

func (f *failing) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData)       {}
func (f *failing) TraceCopyFromEnd(context.Context, *pgx.Conn, pgx.TraceCopyFromEndData) {}

// Whichever of its statements fails, a rebuild ends with an error or is done, and leaves nothing behind.
func TestRebuildThatFailsAnywhere(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.history(t, 5, 50)
	r.work(t)
	r.caughtUp(t)
	rows := r.rows(t)
	config, fault := r.pool.Config(), new(failing)
	config.ConnConfig.Tracer = fault
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	rebuilds := rebuild.New(pool, zerolog.Nop(), rebuild.Profiles(pool, r.relay, outbox.DefaultRetry, zerolog.Nop()))
	failed := 0
	for at := int64(1); fault.seen.Load() >= at-1; at++ { // until there is no such statement
		fault.seen.Store(0)
		fault.at.Store(at)
		if err := rebuilds.Rebuild(t.Context(), "user_profiles"); err != nil {
			failed++
		}
		r.wantNothingLeft(t)
	}
	t.Logf("%d rebuilds failed", failed)
	if failed < 30 {
		t.Errorf("only %d rebuilds failed", failed)
	}
	if diff := cmp.Diff(rows, r.rows(t)); diff != "" {
		t.Errorf("rows (-before +after): %s", diff)
	}
	if n := r.rebuild(t, "user_profiles"); n != 0 {
		t.Errorf("%d users differ", n)
	}
}
