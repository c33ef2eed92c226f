package rebuild_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/rebuild"
)

// failing counts the statements of a pool, and has one of them fail.
type failing struct{ seen, at, copies atomic.Int64 }

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

func (f *failing) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// A COPY is not traced, so its connection is lost.
type losing struct {
	net.Conn
	*failing
}

func (l losing) Write(message []byte) (int, error) {
	if bytes.Contains(message, []byte("COPY rebuild.")) && l.next(context.Background()).Err() != nil {
		l.copies.Add(1)
		return 0, errors.Join(net.ErrClosed, l.Close())
	}
	return l.Conn.Write(message)
}

func (f *failing) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	return losing{conn, f}, err
}

// Whichever of its statements fails, a rebuild ends with an error or is done, and leaves nothing behind.
func TestRebuildThatFailsAnywhere(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.history(t, 5, 50)
	r.work(t)
	r.caughtUp(t)
	rows := r.rows(t)
	<-time.After(1100 * time.Millisecond) // for a second after the last event rebuilds go another way, and their statements are others
	config, fault := r.pool.Config(), new(failing)
	config.ConnConfig.Tracer, config.ConnConfig.DialFunc = fault, fault.dial
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
	if failed < 30 || fault.copies.Load() < 4 {
		t.Errorf("only %d rebuilds failed, %d of them while copying", failed, fault.copies.Load())
	}
	if diff := cmp.Diff(rows, r.rows(t)); diff != "" {
		t.Errorf("rows (-before +after): %s", diff)
	}
	if n := r.rebuild(t, "user_profiles"); n != 0 {
		t.Errorf("%d users differ", n)
	}
}
