package outbox_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/pgtest"
)

// While a backup or whoever else has a transaction open, no version of the subscription's row is cleaned up. Finding the newest takes no
// more pages for that.
func TestOpenTransactionDoesNotSlowTheCheckpointDown(t *testing.T) {
	t.Parallel()
	const moves = 1000
	pool, db := open(t)
	fill(t, pool, moves)
	relay := outbox.New(pool, outbox.Subscription{Name: name, Handle: ignore, Skip: skip, UserOf: userOf}, outbox.DefaultRetry, zerolog.Nop())
	before := pagesRead(t, pool, relay, 0)
	stayOpen(t, db)
	for position := range int64(moves) {
		err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return relay.Drain(t.Context(), tx, position+1) })
		if err != nil {
			t.Fatal(err)
		}
	}
	if after := pagesRead(t, pool, relay, moves); after > before+3 {
		t.Errorf("after %d moves the checkpoint is found in %d pages; there were %d", moves, after, before)
	}
}

func ignore(context.Context, pgx.Tx, []eventstore.Recorded) error { return nil }

// stayOpen begins a transaction that has done something, and leaves it to the end of the test.
func stayOpen(t *testing.T, db pgtest.Database) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	if _, err := conn.Exec(t.Context(), "BEGIN; SELECT pg_current_xact_id()"); err != nil {
		t.Fatal(err)
	}
}

// pagesRead counts the pages of table and index that it takes to read the checkpoint.
func pagesRead(t *testing.T, pool *pgxpool.Pool, relay *outbox.Relay, want int64) (pages int) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		before := pagesSoFar(t, tx)
		if at, err := relay.Checkpoint(t.Context(), tx); err != nil || at != want {
			t.Errorf("the checkpoint is %d (%v), want %d", at, err, want)
		}
		pages = pagesSoFar(t, tx) - before
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

const selectPages = `
SELECT sum(pg_stat_get_xact_blocks_fetched(relation)) FROM unnest(ARRAY['derived.subscriptions'::regclass, 'derived.subscriptions_pkey']) AS relation`

// pagesSoFar is what this connection has read of them.
func pagesSoFar(t *testing.T, tx pgx.Tx) (n int) {
	t.Helper()
	if err := tx.QueryRow(t.Context(), selectPages).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
