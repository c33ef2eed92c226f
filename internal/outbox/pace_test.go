package outbox_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/outbox"
)

// Events are a second old when they are handled: the longest pause. Soon afterwards there is nothing to wait for.
func TestAppendsWaitForARelayThatIsBehind(t *testing.T) {
	t.Parallel()
	pool, _ := open(t)
	fill(t, pool, 20)
	relay, handled := paced(t, pool, func(ctx context.Context, tx pgx.Tx, events []eventstore.Recorded) error {
		<-time.After(time.Second)
		return record(ctx, tx, events)
	})
	if pause := relay.Pace(); pause != 0 {
		t.Errorf("a relay that has done nothing yet holds appends up for %v", pause)
	}
	run(t, relay)
	if pause := <-handled; pause != 40*time.Millisecond {
		t.Errorf("behind by a second: a pause of %v", pause)
	}
	eventually(t, "no pause any more", func() bool { return relay.Pace() == 0 })
}

// The other one may be quick, and knows better.
func TestAppendsDoNotWaitForAnotherReplicasRelay(t *testing.T) {
	t.Parallel()
	pool, _ := open(t)
	fill(t, pool, 20)
	relay, handled := paced(t, pool, func(ctx context.Context, tx pgx.Tx, events []eventstore.Recorded) error {
		<-time.After(200 * time.Millisecond)
		return record(ctx, tx, events)
	})
	run(t, relay)
	if pause := <-handled; pause <= 0 || pause > 40*time.Millisecond {
		t.Errorf("behind by 0.2 s or more: a pause of %v", pause)
	}
	other, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := other.Exec(t.Context(), `SELECT FROM derived.subscriptions FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	relay.Wake()
	eventually(t, "no pause any more", func() bool { return relay.Pace() == 0 })
	if _, err := other.Exec(t.Context(), `SELECT`); err != nil {
		t.Error("the other one had gone away before: ", err)
	}
}

// paced makes a relay, and tells of the pause after each of its batches.
func paced(t *testing.T, pool *pgxpool.Pool, handle handler) (relay *outbox.Relay, handled chan time.Duration) {
	t.Helper()
	handled = make(chan time.Duration, 10)
	relay = outbox.New(pool, outbox.Subscription{
		Name: name, Handle: handle, Skip: skip, UserOf: userOf, Handled: func(outbox.Batch) { handled <- relay.Pace() },
	}, outbox.DefaultRetry, zerolog.Nop())
	return relay, handled
}
