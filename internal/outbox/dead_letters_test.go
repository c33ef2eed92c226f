package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/outbox"
)

// lives appends rounds of events to streams, in turn, so that the nth of a stream is far from the next.
func lives(t *testing.T, pool *pgxpool.Pool, streams []uuid.UUID, from, through int) {
	t.Helper()
	log := eventstore.Open(pool)
	defer log.Close(context.WithoutCancel(t.Context()))
	for version := from; version <= through; version++ {
		var wg sync.WaitGroup
		for _, id := range streams {
			wg.Go(func() {
				_, err := log.Append(t.Context(), eventstore.Command{StreamType: "thing", StreamID: id, ExpectedVersion: version - 1, Events: []eventstore.Event{
					{ID: uuid.Must(uuid.NewV7()), Type: "Changed", SchemaVersion: 1, Data: []byte(`{}`)},
				}})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
}

func newIDs(n int) (ids []uuid.UUID) {
	for range n {
		ids = append(ids, uuid.New())
	}
	return ids
}

// poison is a handler that cannot digest one version of some streams, until it is mended.
type poison struct {
	streams []uuid.UUID
	version int
	mended  atomic.Bool
	calls   atomic.Int64
	events  atomic.Int64
}

func (p *poison) handle(ctx context.Context, tx pgx.Tx, events []eventstore.Recorded) error {
	p.calls.Add(1)
	p.events.Add(int64(len(events)))
	for _, e := range events {
		// What was written before the failure must not stay.
		if err := record(ctx, tx, []eventstore.Recorded{e}); err != nil {
			return err
		}
		if e.Version == p.version && slices.Contains(p.streams, e.StreamID) && !p.mended.Load() {
			return fmt.Errorf("cannot digest version %d", e.Version)
		}
	}
	return nil
}

// effects are the versions of a stream that the handler has seen, in the order in which it did.
func effects(t *testing.T, pool *pgxpool.Pool, stream uuid.UUID) []int {
	t.Helper()
	rows, _ := pool.Query(t.Context(), `SELECT e.version FROM derived.seen s JOIN eventlog.events e USING (position) WHERE e.stream_id = $1 ORDER BY s.n`, stream)
	versions, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		t.Fatal(err)
	}
	return versions
}

func letters(t *testing.T, relay *outbox.Relay, state string) []outbox.DeadLetter {
	t.Helper()
	all, err := relay.DeadLetters(t.Context(), "", state, outbox.LetterPlace{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func idle(t *testing.T, relay *outbox.Relay) {
	t.Helper()
	eventually(t, "all handled or parked", func() bool { return status(t, relay).LagEvents == 0 })
}

func TestFailingEventParksItsUserAndNobodyElse(t *testing.T) {
	t.Parallel()
	pool, _ := open(t)
	streams := newIDs(100)
	lives(t, pool, streams, 1, 4)
	p := &poison{streams: streams[:10], version: 2}
	relay, _ := startWith(t, pool, p.handle, outbox.Retry{Tries: 1, Limit: 100}) // nothing is tried again by itself
	idle(t, relay)
	for i, id := range streams {
		want := []int{1, 2, 3, 4}
		if i < 10 {
			want = []int{1}
		}
		if got := effects(t, pool, id); !slices.Equal(got, want) {
			t.Errorf("stream %d: effects %v, want %v", i, got, want)
		}
	}
	if s := status(t, relay); s.Parked != 10 || s.Letters != 30 || s.State != "live" {
		t.Errorf("status: %+v", s)
	}
	lives(t, pool, streams, 5, 5) // those who are parked have to wait with what comes later, too
	relay.Wake()
	idle(t, relay)
	if n := len(letters(t, relay, "")); n != 40 {
		t.Errorf("%d events are parked, want 40", n)
	}
	p.mended.Store(true)
	if users, err := relay.RetryAll(t.Context()); users != 10 || err != nil {
		t.Errorf("retry: %d users, %v", users, err)
	}
	eventually(t, "nothing is parked", func() bool { return status(t, relay).Parked == 0 })
	for i, id := range streams {
		if got := effects(t, pool, id); !slices.Equal(got, []int{1, 2, 3, 4, 5}) {
			t.Errorf("stream %d after the retry: %v", i, got)
		}
	}
	if n := len(letters(t, relay, "")); n != 0 {
		t.Errorf("%d events are still parked", n)
	}
}

// The users at fault are found by halving: the handler is not called for each of the others.
func TestOneFailureCostsTheOthersLittle(t *testing.T) {
	t.Parallel()
	pool, _ := open(t)
	streams := newIDs(200)
	lives(t, pool, streams, 1, 1)
	p := &poison{streams: streams[77:78], version: 1}
	relay, _ := start(t, pool, p.handle)
	idle(t, relay)
	if n := p.calls.Load(); n > 25 {
		t.Errorf("%d calls of the handler for one failure among 200 users", n)
	}
	if s := status(t, relay); s.Parked != 1 || len(seen(t, pool)) != 199 {
		t.Errorf("%+v, %d effects", s, len(seen(t, pool)))
	}
}

func streamAt(t *testing.T, pool *pgxpool.Pool, position int64) (id uuid.UUID) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), `SELECT stream_id FROM eventlog.events WHERE position = $1`, position).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

// While it is found who is at fault everybody waits, so it is looked for in few events, and the others are committed
// meanwhile. Afterwards batches are large again.
func TestBatchesAreSmallAfterAFailure(t *testing.T) {
	t.Parallel()
	pool, _ := open(t)
	lives(t, pool, newIDs(2_000), 1, 1)
	p := &poison{streams: []uuid.UUID{streamAt(t, pool, 600)}, version: 1}
	var batches []int64
	relay := outbox.New(pool, outbox.Subscription{
		Name: name, Handle: p.handle, Skip: skip, UserOf: userOf,
		Handled: func(b outbox.Batch) { batches = append(batches, b.Through-b.After) },
	}, outbox.DefaultRetry, zerolog.Nop())
	stop := run(t, relay)
	idle(t, relay)
	stop()
	if n := len(batches); n < 5 || batches[0] > 200 || slices.Max(batches[:3]) > 500 || slices.Max(batches) < 500 {
		t.Errorf("2,000 events, of which one fails, were handled in batches of %v", batches)
	}
	if n := p.events.Load(); n > 5_000 {
		t.Errorf("the handler was given %d events, of 2,000", n)
	}
}

func TestTriesAreBoundedAndSpaced(t *testing.T) {
	t.Parallel()
	pool, _ := open(t)
	streams := newIDs(1)
	lives(t, pool, streams, 1, 2)
	p := &poison{streams: streams, version: 1}
	relay, _ := startWith(t, pool, p.handle, outbox.Retry{Tries: 2, Limit: 100})
	eventually(t, "parked", func() bool { return len(letters(t, relay, outbox.Retrying)) == 1 })
	first := letters(t, relay, outbox.Retrying)[0]
	if first.Attempts != 1 || first.NextTryAt == nil || first.NextTryAt.Sub(*first.LastFailedAt) < 400*time.Millisecond || *first.Error != "cannot digest version 1" {
		t.Errorf("after one try: %+v", first)
	}
	eventually(t, "dead", func() bool { return len(letters(t, relay, outbox.Dead)) == 1 })
	dead := letters(t, relay, "")
	if dead[0].Attempts != 2 || dead[0].NextTryAt != nil || dead[1].State != outbox.Waiting || dead[1].Attempts != 0 {
		t.Errorf("after two tries: %+v", dead)
	}
	calls := p.calls.Load()
	if _, err := relay.Retry(t.Context(), dead[1].ID); err != nil { // one that waits stands for its queue
		t.Fatal(err)
	}
	if p.calls.Load() == calls {
		t.Error("a person's retry did not try")
	}
	p.mended.Store(true)
	if left, err := relay.Retry(t.Context(), dead[0].ID); left != 0 || err != nil {
		t.Errorf("after it was mended: %d left, %v", left, err)
	}
	if got := effects(t, pool, streams[0]); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("effects %v", got)
	}
}

func TestSkippedEventStaysOnRecordAndLetsTheOthersPass(t *testing.T) {
	t.Parallel()
	pool, _ := open(t)
	streams := newIDs(1)
	lives(t, pool, streams, 1, 4)
	relay, _ := start(t, pool, (&poison{streams: streams, version: 2}).handle)
	idle(t, relay)
	queue := letters(t, relay, "")
	if _, err := relay.Skip(t.Context(), queue[1].ID, "grace", "not its turn"); !errors.Is(err, outbox.ErrNotFirst) {
		t.Errorf("skipped one that waits: %v", err)
	}
	if left, err := relay.Skip(t.Context(), queue[0].ID, "grace", "known to be broken"); left != 0 || err != nil {
		t.Fatalf("%d left, %v", left, err)
	}
	if got := effects(t, pool, streams[0]); !slices.Equal(got, []int{1, 3, 4}) {
		t.Errorf("effects %v", got)
	}
	skipped := letters(t, relay, outbox.Skipped)
	if len(skipped) != 1 || *skipped[0].SkippedBy != "grace" || *skipped[0].SkipReason != "known to be broken" || skipped[0].SkippedAt == nil {
		t.Errorf("on record: %+v", skipped)
	}
	for _, id := range []uuid.UUID{skipped[0].ID, uuid.New()} {
		if _, err := relay.Skip(t.Context(), id, "grace", "again"); !errors.Is(err, outbox.ErrNoDeadLetter) {
			t.Errorf("skip of what is not parked: %v", err)
		}
		if _, err := relay.Retry(t.Context(), id); !errors.Is(err, outbox.ErrNoDeadLetter) {
			t.Errorf("retry of what is not parked: %v", err)
		}
	}
	if s := status(t, relay); s.Parked != 0 {
		t.Errorf("%+v", s)
	}
}

// The database's own failures are nobody's fault: nothing is parked, and all of it is handled later.
func TestFailingDatabaseParksNothing(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"53100", "25006", "57014", "40P01", "55P03", "42P01", "58030"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			pool, _ := open(t)
			fill(t, pool, 20)
			var failures atomic.Int64
			relay, stop := start(t, pool, func(ctx context.Context, tx pgx.Tx, events []eventstore.Recorded) error {
				if failures.Add(1) <= 9 { // halving twenty users comes down to single ones before that
					_, err := tx.Exec(ctx, "DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '"+code+"'; END $$")
					return err
				}
				return record(ctx, tx, events)
			})
			idle(t, relay)
			if s := status(t, relay); s.Parked != 0 || s.State != "live" {
				t.Errorf("%+v", s)
			}
			stop()
			wantAll(t, pool, 20)
		})
	}
}

// A handler that fails for everybody is stopped, and goes on by itself when it is mended.
func TestTooMuchParkedStopsTheSubscription(t *testing.T) {
	t.Parallel()
	pool, _ := open(t)
	streams := newIDs(10)
	lives(t, pool, streams, 1, 1)
	p := &poison{streams: streams, version: 1}
	relay, stop := startWith(t, pool, p.handle, outbox.Retry{Tries: 100, Limit: 9})
	eventually(t, "it stops", func() bool { return status(t, relay).State == "failed" })
	if s := status(t, relay); s.Position != 0 || s.Parked != 0 || s.LagEvents != 10 || s.LagSeconds <= 0 || s.LastError != "10 events would be parked, and 9 is the limit" {
		t.Errorf("%+v", s)
	}
	p.mended.Store(true)
	idle(t, relay)
	stop()
	if s := status(t, relay); s.State != "live" || s.LastError != "" {
		t.Errorf("after it was mended: %+v", s)
	}
	wantAll(t, pool, 10)
}

// Three replicas, a queue longer than one round of retries, and events that arrive all the while.
func TestLongQueueIsRetriedInOrder(t *testing.T) {
	t.Parallel()
	pool, _ := open(t)
	streams := newIDs(2)
	p := &poison{streams: streams[:1], version: 1}
	var relay *outbox.Relay
	for range 3 {
		relay, _ = start(t, pool, p.handle)
	}
	lives(t, pool, streams, 1, 600)
	relay.Wake()
	idle(t, relay)
	p.mended.Store(true)
	if _, err := relay.RetryAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	lives(t, pool, streams, 601, 700)
	relay.Wake()
	eventually(t, "all handled", func() bool { s := status(t, relay); return s.LagEvents == 0 && s.Parked == 0 })
	for _, id := range streams {
		if got := effects(t, pool, id); len(got) != 700 || !slices.IsSorted(got) {
			t.Errorf("%d effects, in order: %v", len(got), slices.IsSorted(got))
		}
	}
}
