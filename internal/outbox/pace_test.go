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
	"github.com/usersvc/usersvc/internal/pgtest"
)

// Events are two seconds old when they are handled: the longest pause. Some time afterwards there is nothing to wait for.
func TestAppendsWaitForARelayThatIsBehind(t *testing.T) {
	t.Parallel()
	pool, _ := open(t)
	fill(t, pool, 20)
	relay, handled := paced(pool, func(ctx context.Context, tx pgx.Tx, events []eventstore.Recorded) error {
		<-time.After(2 * time.Second)
		return record(ctx, tx, events)
	})
	if pause := relay.Pace(); pause != 0 {
		t.Errorf("a relay that has done nothing yet holds appends up for %v", pause)
	}
	run(t, relay)
	if pause := <-handled; pause != 100*time.Millisecond {
		t.Errorf("behind by two seconds: a pause of %v", pause)
	}
	eventually(t, "no pause any more", func() bool { return relay.Pace() == 0 })
}

const insertOld = `
INSERT INTO eventlog.events (position, recorded_at, event_id, stream_id, version, schema_version, stream_type, type, data, metadata)
VALUES (1, clock_timestamp() - interval '1 hour', gen_random_uuid(), gen_random_uuid(), 1, 1, 'thing', 'Made', '{}', '{}')`

// Nobody waits for what has been waiting for long, as after an import.
func TestAppendsDoNotWaitForARelayWithAnImportToWorkOff(t *testing.T) {
	t.Parallel()
	pool, db := open(t)
	if _, err := pgtest.Pool(t, db.AdminURL).Exec(t.Context(), insertOld); err != nil {
		t.Fatal(err)
	}
	relay, handled := paced(pool, record)
	run(t, relay)
	if pause := <-handled; pause != 0 {
		t.Errorf("behind by an hour: a pause of %v", pause)
	}
}

// paced makes a relay, and tells of the pause after each of its batches.
func paced(pool *pgxpool.Pool, handle handler) (relay *outbox.Relay, handled chan time.Duration) {
	handled = make(chan time.Duration, 10)
	relay = outbox.New(pool, outbox.Subscription{
		Name: name, Handle: handle, Skip: skip, UserOf: userOf, Handled: func(outbox.Batch) { handled <- relay.Pace() },
	}, outbox.DefaultRetry, zerolog.Nop())
	return relay, handled
}
