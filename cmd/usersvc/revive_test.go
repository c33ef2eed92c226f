package main

import (
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/pgtest"
	"github.com/usersvc/usersvc/internal/projections"
)

const (
	dieAlone   = `INSERT INTO derived.dead_letters (id, subscription, user_id, position, state, attempts) VALUES (gen_random_uuid(), 'user_profiles', gen_random_uuid(), 1, 'dead', 12)`
	stillDead  = `SELECT count(*) FROM derived.dead_letters WHERE state = 'dead'`
	holdTheSub = `SELECT FROM derived.subscriptions WHERE name = 'user_profiles' FOR UPDATE`
	turnedDown = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
)

// At start a rebuild may hold the subscription for longer than anybody waits for it.
func TestDeadEventsAreRevivedOnceItIsPossible(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, pgtest.DB(t).URL)
	count := func(query string) (n int) {
		if err := pool.QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if _, err := pool.Exec(t.Context(), dieAlone); err != nil {
		t.Fatal(err)
	}
	tx, err := pool.Begin(t.Context())
	if err == nil {
		_, err = tx.Exec(t.Context(), "SET LOCAL idle_in_transaction_session_timeout = 0; "+holdTheSub)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	relay := newRelay(pool, projections.NewProfiles(pool), nil, outbox.DefaultRetry, zerolog.Nop())
	go func() { defer close(done); revive(ctx, relay, 0, zerolog.Nop()) }()
	for _, waiting := range []int{1, 0} { // it waits, and has given up
		for deadline := time.Now().Add(time.Minute); count(turnedDown) != waiting; <-time.After(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("never were there %d who wait", waiting)
			}
		}
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Error(err)
	}
	for deadline := time.Now().Add(time.Minute); count(stillDead) > 0; <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it is still dead")
		}
	}
	stop()
	<-done
}
