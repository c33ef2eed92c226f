package outbox_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, pgtest.IgnoreServer()) }

const name = "seen"

// open makes a database with a subscription whose handler is record.
func open(t *testing.T) (*pgxpool.Pool, pgtest.Database) {
	t.Helper()
	db := pgtest.DB(t)
	pool := pgtest.Pool(t, db.URL)
	for _, sql := range []string{
		`CREATE TABLE derived.seen (n serial, position bigint)`,
		`INSERT INTO derived.subscriptions (name) VALUES ('` + name + `')`,
	} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	return pool, db
}

type handler = func(context.Context, pgx.Tx, []eventstore.Recorded) error

// record writes down what it is given, in the relay's transaction.
func record(ctx context.Context, tx pgx.Tx, events []eventstore.Recorded) error {
	for _, e := range events {
		if _, err := tx.Exec(ctx, `INSERT INTO derived.seen (position) VALUES ($1)`, e.Position); err != nil {
			return err
		}
	}
	return nil
}

func skip(context.Context, pgx.Tx, eventstore.Recorded) error { return nil }

func userOf(e eventstore.Recorded) uuid.UUID { return e.StreamID }

func seen(t *testing.T, pool *pgxpool.Pool) []int64 {
	t.Helper()
	rows, _ := pool.Query(t.Context(), `SELECT position FROM derived.seen ORDER BY n`)
	positions, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		t.Fatal(err)
	}
	return positions
}

// fill appends n events, each to a stream of its own.
func fill(t *testing.T, pool *pgxpool.Pool, n int) {
	t.Helper()
	log := eventstore.Open(pool)
	defer log.Close(context.WithoutCancel(t.Context()))
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			_, err := log.Append(t.Context(), eventstore.Command{StreamType: "thing", StreamID: uuid.New(), Events: []eventstore.Event{
				{ID: uuid.Must(uuid.NewV7()), Type: "Made", SchemaVersion: 1, Data: []byte(`{}`)},
			}})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// start runs a relay; stop ends it and waits until it has.
func start(t *testing.T, pool *pgxpool.Pool, handle handler) (relay *outbox.Relay, stop func()) {
	t.Helper()
	return startWith(t, pool, handle, outbox.DefaultRetry)
}

func startWith(t *testing.T, pool *pgxpool.Pool, handle handler, retry outbox.Retry) (relay *outbox.Relay, stop func()) {
	t.Helper()
	relay = outbox.New(pool, outbox.Subscription{Name: name, Handle: handle, Skip: skip, UserOf: userOf}, retry, zerolog.Nop())
	return relay, run(t, relay)
}

func run(t *testing.T, relay *outbox.Relay) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); relay.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return stop
}

// eventually polls a condition; the test's own deadline is the limit.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !condition(); {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func status(t *testing.T, relay *outbox.Relay) outbox.Status {
	t.Helper()
	s, err := relay.Status(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func upTo(n int64) []int64 {
	var positions []int64
	for p := int64(1); p <= n; p++ {
		positions = append(positions, p)
	}
	return positions
}

func wantAll(t *testing.T, pool *pgxpool.Pool, n int64) {
	t.Helper()
	if got := seen(t, pool); !slices.Equal(got, upTo(n)) {
		t.Errorf("the handler's effects are %v, want 1 … %d, each once and in order", got, n)
	}
}

func TestEveryEventTakesEffectOnceAndInOrder(t *testing.T) {
	t.Parallel()
	pool, _ := open(t)
	relay, stop := start(t, pool, record)
	for range 5 {
		fill(t, pool, 50)
		relay.Wake()
	}
	eventually(t, "all handled", func() bool { return status(t, relay).LagEvents == 0 })
	stop()
	wantAll(t, pool, 250)
}

func TestStoppingInMidBatchLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	pool, _ := open(t)
	for round := range 10 {
		fill(t, pool, 20)
		inside := make(chan struct{})
		var once sync.Once
		_, stop := start(t, pool, func(ctx context.Context, tx pgx.Tx, events []eventstore.Recorded) error {
			if err := record(ctx, tx, events[:len(events)/(1+round%3)]); err != nil {
				return err
			}
			once.Do(func() { close(inside) })
			<-ctx.Done()
			return ctx.Err()
		})
		<-inside
		stop()
	}
	if got := seen(t, pool); len(got) != 0 {
		t.Fatalf("%d effects of batches that were stopped half-way", len(got))
	}
	relay, stop := start(t, pool, record)
	eventually(t, "all handled", func() bool { return status(t, relay).LagEvents == 0 })
	stop()
	wantAll(t, pool, 200)
}

func TestReplicasShareASubscription(t *testing.T) {
	t.Parallel()
	pool, _ := open(t)
	var relay *outbox.Relay
	for range 3 {
		relay, _ = start(t, pool, record)
	}
	for range 10 {
		fill(t, pool, 20)
		relay.Wake()
	}
	eventually(t, "all handled", func() bool { return status(t, relay).LagEvents == 0 })
	wantAll(t, pool, 200)
}

func TestLostConnectionsAreNoFailureOfTheHandler(t *testing.T) {
	t.Parallel()
	pool, db := open(t)
	proxy := pgtest.NewProxy(t, db.URL)
	fragile := pgtest.Pool(t, proxy.URL)
	var cuts atomic.Int64
	relay, stop := start(t, fragile, func(ctx context.Context, tx pgx.Tx, events []eventstore.Recorded) error {
		if err := record(ctx, tx, events); err != nil {
			return err
		}
		if cuts.Add(1) <= 5 {
			proxy.CutAll() // before the commit
		}
		return nil
	})
	for n := range int64(6) {
		fill(t, pool, 10)
		relay.Wake()
		eventually(t, "the handler ran", func() bool { return cuts.Load() > n })
		if s, err := relay.Status(t.Context(), name); err == nil && s.State != "live" {
			t.Errorf("a lost connection was held against the handler: %+v", s)
		}
	}
	eventually(t, "all handled", func() bool {
		s, err := relay.Status(t.Context(), name)
		return err == nil && s.LagEvents == 0
	})
	stop()
	wantAll(t, pool, 60)
}

func TestOutboxShowsWhatIsStillToDo(t *testing.T) {
	t.Parallel()
	pool, _ := open(t)
	fill(t, pool, 3)
	backlog := func() (n int) {
		if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM derived.outbox WHERE subscription = $1`, name).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := backlog(); n != 3 {
		t.Errorf("%d events in the outbox, want 3", n)
	}
	relay, _ := start(t, pool, record)
	eventually(t, "all handled", func() bool { return status(t, relay).LagEvents == 0 })
	if n := backlog(); n != 0 {
		t.Errorf("%d events in the outbox, want none", n)
	}
}

func TestStatusOfAnUnknownSubscription(t *testing.T) {
	t.Parallel()
	pool, _ := open(t)
	relay, _ := start(t, pool, record)
	for _, unknown := range []string{"", "nobody"} {
		if _, err := relay.Status(t.Context(), unknown); !errors.Is(err, outbox.ErrNoSubscription) {
			t.Errorf("status of %q: %v", unknown, err)
		}
	}
}
