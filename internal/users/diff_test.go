package users_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/pgtest"
	"github.com/usersvc/usersvc/internal/users"
)

// Of very many events the newest hundred are named, and only batches of them are held meanwhile.
func TestDiffOverManyEventsIsBounded(t *testing.T) {
	t.Parallel()
	config := pgtest.New(t).Config()
	largest := &largestResult{}
	config.ConnConfig.Tracer = largest
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	r := openOn(t, pool)
	const length = 5000
	id := r.grow(t, length)
	largest.rows.Store(0)
	d, err := r.Diff(t.Context(), id, users.Point{Version: 1}, users.Point{})
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Members) != 1 || d.Members[0].Field != "displayName" || d.Members[0].Count != length-1 || len(d.Members[0].Events) != users.MostEvents {
		t.Fatalf("%d members, the first %q has %d of %d events", len(d.Members), d.Members[0].Field, len(d.Members[0].Events), d.Members[0].Count)
	}
	history, _, err := r.History(t.Context(), id, length-users.MostEvents, users.MostEvents, true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(history, d.Members[0].Events); diff != "" {
		t.Errorf("events (-history +diff):\n%s", diff)
	}
	if rows := largest.rows.Load(); rows < users.MostEvents || rows > 1000 {
		t.Errorf("%d rows were read at once", rows)
	}
}

// A restore looks for what it undoes in batches, too, and finds the newest.
func TestRestoreOverManyEventsFindsTheNewest(t *testing.T) {
	t.Parallel()
	r := open(t)
	const length = 2500
	id := r.grow(t, length)
	restore := domain.Restore{Version: 1, Fields: domain.Fields{DisplayName: true}}
	if got := r.must(t, request(id, restore)); got.User.DisplayName != "Somebody" || got.User.Version != length+1 {
		t.Errorf("restored to %+v", got.User)
	}
	events, _, err := r.Events(t.Context(), id, length-1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if cause := events[1].Metadata.CausationID; cause == nil || *cause != events[0].ID {
		t.Errorf("the cause is %v, want %v", cause, events[0].ID)
	}
}

// largestResult is the number of rows of the query that returned the most.
type largestResult struct{ rows atomic.Int64 }

func (l *largestResult) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

func (l *largestResult) TraceQueryEnd(_ context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	for rows := data.CommandTag.RowsAffected(); ; {
		most := l.rows.Load()
		if rows <= most || l.rows.CompareAndSwap(most, rows) {
			return
		}
	}
}
