package rebuild_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/rebuild"
)

// tries watches the tries of a switch: how many events are read while the live subscription is held.
type tries struct {
	mu      sync.Mutex
	failed  int
	held    bool
	read    int64 // while it was held
	largest int64 // read of events in order of position, whenever
}

type statement struct{}

func (w *tries) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, statement{}, data.SQL)
}

func (w *tries) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	w.mu.Lock()
	defer w.mu.Unlock()
	sql, _ := ctx.Value(statement{}).(string)
	var e *pgconn.PgError
	switch {
	case errors.As(data.Err, &e) && e.Code == "55P03":
		w.failed, w.held = w.failed+1, false
	case strings.Contains(sql, "FROM derived.subscriptions") && strings.HasSuffix(sql, "FOR UPDATE"):
		w.held = true
	case strings.Contains(sql, "FROM eventlog.events") && strings.HasSuffix(sql, "ORDER BY position LIMIT $3"):
		w.largest = max(w.largest, data.CommandTag.RowsAffected())
		if w.held {
			w.read += data.CommandTag.RowsAffected()
		}
	}
}

// more waits for so many tries to fail, and returns what was read meanwhile.
func (w *tries) more(t *testing.T, n int) (read int64) {
	t.Helper()
	look := func() (int, int64) { w.mu.Lock(); defer w.mu.Unlock(); return w.failed, w.read }
	failed, before := look()
	for deadline := time.Now().Add(time.Minute); ; <-time.After(5 * time.Millisecond) {
		now, read := look()
		if now >= failed+n {
			return read - before
		}
		if time.Now().After(deadline) {
			t.Fatalf("of %d tries %d failed", n, now-failed)
		}
	}
}

// What happened since the comparison is handled and compared once, and not with every try of the switch, for which the live
// subscription waits.
func TestTriesOfTheSwitchHoldTheSubscriptionForLittle(t *testing.T) {
	t.Parallel()
	r := lived(t)
	config, watch := r.pool.Config(), new(tries)
	config.ConnConfig.Tracer = watch
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	r.rebuilds = rebuild.New(pool, zerolog.Nop(), rebuild.Profiles(pool, r.relay, outbox.DefaultRetry, zerolog.Nop()))
	r.exec(t, `UPDATE derived.user_profiles SET display_name = 'Somebody else' WHERE user_id = ANY ($1)`, r.ids[:2])
	release := r.reader(t) // keeps it from switching
	defer release()
	done := underWay(t, r.begin(t))
	r.untilSwitching(t)
	r.asSuperuser(t, insertPosts, 2000, r.ids[0]) // who is compared again, unlike the next
	r.caughtUp(t)
	watch.more(t, 2) // the first of which may have begun before
	if read := watch.more(t, 3); read > 0 {
		t.Errorf("three tries read %d events, of which there were no new ones", read)
	}
	release()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if status := r.status(t, "user_profiles"); status.Differences == nil || *status.Differences != 2 {
		t.Errorf("after it: %+v", status)
	}
	if watch.largest > 1000 {
		t.Errorf("%d events were read at once", watch.largest)
	}
	if n := r.rebuild(t, "user_profiles"); n != 0 {
		t.Errorf("%d users differ after it", n)
	}
}
