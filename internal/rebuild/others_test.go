package rebuild_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/rebuild"
)

// lived opens a replica with users who have lived a little, and a projection that has followed them.
func lived(t *testing.T) *replica {
	t.Helper()
	r := open(t)
	r.history(t, 10, 100)
	r.work(t)
	r.caughtUp(t)
	return r
}

func (r *replica) begin(t *testing.T) *rebuild.Run {
	t.Helper()
	run, err := r.rebuilds.Begin(t.Context(), "user_profiles")
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// Somebody has the row of the rebuild when it ends: a report that the database is still committing, or a wish to cancel.
func TestRebuildWaitsForAReportWhenItEnds(t *testing.T) {
	t.Parallel()
	r := lived(t)
	run := r.begin(t)
	tx, err := r.pool.Begin(t.Context())
	if err == nil {
		_, err = tx.Exec(t.Context(), `SELECT FROM derived.rebuilds WHERE name = 'user_profiles' FOR UPDATE`)
	}
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- run.Do(t.Context()) }()
	r.awaitTexts(t, `SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database() AND query LIKE '%state = ''done''%' AND pid <> pg_backend_pid()`)
	<-time.After(300 * time.Millisecond) // longer than the switch waits for a lock at first
	if err := errors.Join(tx.Rollback(t.Context()), <-done); err != nil {
		t.Error(err)
	}
	r.wantNothingLeft(t)
}

// Sorting a long log takes longer than a transaction may be idle.
func TestRebuildOutlivesALongWaitForTheFirstUser(t *testing.T) {
	t.Parallel()
	r := lived(t)
	run := r.begin(t)
	giveBack := r.takeConnections(t) // the log is read with one
	done := make(chan error, 1)
	go func() { done <- run.Do(t.Context()) }()
	<-time.After(5 * time.Second)
	giveBack()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// takeConnections takes all of the pool's that are free.
func (r *replica) takeConnections(t *testing.T) (giveBack func()) {
	t.Helper()
	var taken []*pgxpool.Conn
	for range r.pool.Stat().MaxConns() - r.pool.Stat().AcquiredConns() {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		c, err := r.pool.Acquire(ctx)
		cancel()
		if err != nil {
			break // the relay took it meanwhile
		}
		taken = append(taken, c)
	}
	return func() {
		for _, c := range taken {
			c.Release()
		}
	}
}

// To a snapshot from before the switch the new tables are as full as the old ones were.
func TestOldSnapshotsSeeTheRows(t *testing.T) {
	t.Parallel()
	r := lived(t)
	const rows = `SELECT (SELECT count(*) FROM derived.user_profiles) || ' of users, ' || (SELECT count(*) FROM derived.user_versions) || ' of versions'`
	want := r.texts(t, rows)[0]
	tx, err := r.pool.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err == nil {
		_, err = tx.Exec(t.Context(), `SELECT FROM eventlog.events`)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.rebuild(t, "user_profiles")
	var got string
	if err := errors.Join(tx.QueryRow(t.Context(), rows).Scan(&got), tx.Rollback(t.Context())); err != nil || got != want {
		t.Errorf("rows: %s (%v), want %s", got, err, want)
	}
}

// awaitTexts waits until a query returns something.
func (r *replica) awaitTexts(t *testing.T, query string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); len(r.texts(t, query)) == 0; <-time.After(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("nothing came of %s", query)
		}
	}
}
