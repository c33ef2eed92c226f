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

// underWay has a rebuild go on, until it says what became of it.
func underWay(t *testing.T, run *rebuild.Run) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- run.Do(t.Context()) }()
	return done
}

// Somebody has the row of the rebuild when it is about to end: a report that is being committed, or a wish to cancel.
func TestRebuildWaitsForReportsBeforeItSwitches(t *testing.T) {
	t.Parallel()
	r := lived(t)
	run := r.begin(t)
	tx := r.hold(t, pgx.ReadCommitted, `SELECT FROM derived.rebuilds WHERE name = 'user_profiles' FOR UPDATE`)
	done := underWay(t, run)
	r.awaitTexts(t, `SELECT query FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database() AND query LIKE '%derived.rebuilds%' AND query NOT LIKE '%RETURNING cancel%'`)
	r.page(t)                            // nobody who reads waits behind it
	<-time.After(300 * time.Millisecond) // longer than the switch waits for a lock at first
	if err := errors.Join(tx.Rollback(t.Context()), <-done); err != nil {
		t.Error(err)
	}
	r.wantNothingLeft(t)
}

// page reads a list, within a second.
func (r *replica) page(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := r.profiles.List(ctx, firstPage, 0, 0); err != nil {
		t.Error(err)
	}
}

// hold begins a transaction that stays open, with a statement.
func (r *replica) hold(t *testing.T, level pgx.TxIsoLevel, statement string) pgx.Tx {
	t.Helper()
	tx, err := r.pool.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: level})
	if err == nil {
		_, err = tx.Exec(t.Context(), `SET LOCAL idle_in_transaction_session_timeout = 0`)
	}
	if err == nil {
		_, err = tx.Exec(t.Context(), statement)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

// Sorting a long log takes longer than a transaction may be idle, and so may others keep all connections.
func TestRebuildOutlivesALongWaitForTheFirstUser(t *testing.T) {
	t.Parallel()
	for name, alone := range map[string]bool{"beside others": false, "alone": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := settled(t, alone)
			run := r.begin(t)
			release := r.keepAllBut(t, 0)
			done := underWay(t, run)
			<-time.After(tooLong)
			release()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// keepAllBut takes the pool's free connections but for some.
func (r *replica) keepAllBut(t *testing.T, n int32) (release func()) {
	t.Helper()
	var kept []*pgxpool.Conn
	for r.pool.Stat().MaxConns()-r.pool.Stat().AcquiredConns() > n {
		c, err := r.pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, c)
	}
	return func() {
		for _, c := range kept {
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
	tx := r.hold(t, pgx.RepeatableRead, `SELECT FROM eventlog.events`)
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
