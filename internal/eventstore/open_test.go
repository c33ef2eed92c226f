package eventstore_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/pgtest"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(writeTo); url != "" {
		if err := writeAsOtherProcess(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m, pgtest.IgnoreServer())
}

// open returns a log on a database of its own.
func open(t *testing.T) (*eventstore.Log, *pgxpool.Pool) {
	t.Helper()
	pool := pgtest.New(t)
	return openOn(t, pool), pool
}

// openOn returns one more log on a database, as another replica has it.
func openOn(t *testing.T, pool *pgxpool.Pool) *eventstore.Log {
	t.Helper()
	log := eventstore.Open(pool)
	t.Cleanup(func() { closeLog(log) })
	return log
}

func closeLog(log *eventstore.Log) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	log.Close(ctx)
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// command is the next one of a stream, with an event for each type.
func command(stream uuid.UUID, expected int, types ...string) eventstore.Command {
	c := eventstore.Command{
		StreamType: "thing", StreamID: stream, ExpectedVersion: expected,
		Metadata: eventstore.Metadata{Actor: "tester", Source: "test", CorrelationID: newID()},
	}
	for _, typ := range types {
		c.Events = append(c.Events, eventstore.Event{ID: newID(), Type: typ, SchemaVersion: 1, Data: []byte(`{"n": 1}`)})
	}
	return c
}

// throughBothDoors runs a test with a command of one event, which append_event takes where it is alone, and with one of two,
// which append_events takes.
func throughBothDoors(t *testing.T, test func(t *testing.T, types ...string)) {
	t.Parallel()
	t.Run("append_event", func(t *testing.T) { t.Parallel(); test(t, "Made") })
	t.Run("append_events", func(t *testing.T) { t.Parallel(); test(t, "Made", "Painted") })
}

// openBegun is open, with a log that is not empty.
func openBegun(t *testing.T) (*eventstore.Log, *pgxpool.Pool) {
	t.Helper()
	log, pool := open(t)
	mustAppend(t, log, command(newID(), 0, "Begun"))
	return log, pool
}

func claim(key string) []eventstore.Claim { return []eventstore.Claim{{Scope: "name", Key: key}} }

func withKey(c eventstore.Command, key string) eventstore.Command {
	c.Key = &eventstore.Key{Hash: []byte(key), Fingerprint: []byte("print of " + key), Outcome: []byte(`{"status": 201}`)}
	return c
}

func mustAppend(t *testing.T, log *eventstore.Log, c eventstore.Command) eventstore.Appended {
	t.Helper()
	a, err := log.Append(t.Context(), c)
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	return a
}

func all(t *testing.T, pool *pgxpool.Pool) []eventstore.Recorded {
	t.Helper()
	var events []eventstore.Recorded
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) (err error) {
		events, err = eventstore.After(t.Context(), tx, 0, math.MaxInt64, 1_000_000)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return events
}
