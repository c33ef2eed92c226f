package feed_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/feed"
	"github.com/usersvc/usersvc/internal/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, pgtest.IgnoreServer()) }

// replica is a log and a feed as one process has them.
type replica struct {
	pool *pgxpool.Pool
	log  *eventstore.Log
	hub  *feed.Hub
	scan *atomic.Int64 // how often the log was scanned
}

func open(t *testing.T, url string, changes ...func(*pgxpool.Config)) replica {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	scans := new(counter)
	config.ConnConfig.Tracer = scans
	for _, change := range changes {
		change(config)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	log := eventstore.Open(pool)
	hub := feed.New(log, zerolog.Nop())
	log.Notify(hub.Wake)
	t.Cleanup(func() {
		hub.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		log.Close(ctx)
		pool.Close()
	})
	return replica{pool, log, hub, &scans.n}
}

// counter counts scans of the log.
type counter struct{ n atomic.Int64 }

func (c *counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if isScan(data) {
		c.n.Add(1)
	}
	return ctx
}

func (c *counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func isScan(data pgx.TraceQueryStartData) bool {
	return strings.Contains(data.SQL, "SELECT head.position, e.position")
}

// created is a command that makes a user.
func created(user uuid.UUID) eventstore.Command {
	return eventstore.Command{
		StreamType: "user", StreamID: user, Metadata: eventstore.Metadata{Actor: "tests", Source: "test", CorrelationID: uuid.New()},
		Events: []eventstore.Event{{ID: uuid.New(), Type: "UserCreated", SchemaVersion: 1, Data: fmt.Appendf(nil, `{"email":"%s@example.com","name":"Ada Lovelace"}`, user)}},
	}
}

func (r replica) append(t *testing.T, commands ...eventstore.Command) {
	t.Helper()
	for some := range slices.Chunk(commands, 2000) { // the log's queue is bounded
		for _, err := range r.log.AppendAll(t.Context(), some) {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func many(n int) []eventstore.Command {
	commands := make([]eventstore.Command, n)
	for i := range commands {
		commands[i] = created(uuid.New())
	}
	return commands
}

// wantRun fails the test unless the events stand directly behind a position, one behind the other.
func wantRun(t *testing.T, after int64, events []feed.Event) {
	t.Helper()
	for i, e := range events {
		if want := after + int64(i) + 1; e.Position != want {
			t.Fatalf("position %d where %d was due", e.Position, want)
		}
	}
}
