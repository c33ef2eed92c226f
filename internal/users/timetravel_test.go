package users_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/pgtest"
	"github.com/usersvc/usersvc/internal/users"
)

// 200 random histories, asked about at every event and between: by version, by position, by time.
func TestPastEqualsAnIndependentFold(t *testing.T) {
	t.Parallel()
	r := open(t)
	rng := rand.New(rand.NewPCG(3, 4))
	var ids []uuid.UUID
	for range 200 {
		ids = append(ids, r.create(t))
	}
	for range 1500 {
		_, err := r.Execute(t.Context(), request(ids[rng.IntN(len(ids))], randomCommand(t, rng, 3)))
		var refused *domain.Error
		if err != nil && !errors.As(err, &refused) {
			t.Fatal(err)
		}
	}
	events := r.stored(t)
	for id, stream := range byStream(events) {
		for i, e := range stream {
			want := model(id, stream[:i+1])
			r.checkAt(t, id, users.Point{Version: e.version}, want)
			r.checkAt(t, id, users.Point{Position: e.position}, want)
			r.checkAt(t, id, users.Point{Time: e.at}, want)
			before := model(id, stream[:i])
			r.checkAt(t, id, users.Point{Time: e.at.Add(-time.Microsecond)}, before)
			if e.position > 1 {
				r.checkAt(t, id, users.Point{Position: e.position - 1}, before)
			}
			if i+1 < len(stream) {
				gap := stream[i+1].at.Sub(e.at)
				r.checkAt(t, id, users.Point{Time: e.at.Add(gap / 2).Truncate(time.Microsecond)}, want)
			}
		}
	}
}

func (r *replica) checkAt(t *testing.T, id uuid.UUID, p users.Point, want domain.User) {
	t.Helper()
	got, err := r.At(t.Context(), id, p)
	switch {
	case want.Version == 0:
		if !errors.Is(err, users.ErrNotYetExisting) {
			t.Fatalf("at %+v: %v, want ErrNotYetExisting", p, err)
		}
	case want.Status == domain.Deleted:
		if !errors.Is(err, domain.ErrUserDeleted) {
			t.Fatalf("at %+v: %v, want ErrUserDeleted", p, err)
		}
	case err != nil:
		t.Fatalf("at %+v: %v", p, err)
	default:
		if diff := cmp.Diff(want, got.User, sameUser); diff != "" {
			t.Fatalf("at %+v (-log +answer): %s", p, diff)
		}
	}
}

func TestPointsBeyondThePresentAreRefused(t *testing.T) {
	t.Parallel()
	r := open(t)
	id := r.create(t)
	for _, c := range []struct {
		id    uuid.UUID
		point users.Point
		want  error
	}{
		{id, users.Point{Time: time.Now().Add(time.Hour)}, users.ErrInFuture},
		{id, users.Point{Version: 2}, users.ErrNoSuchVersion},
		{id, users.Point{Position: 2}, users.ErrNoSuchPosition},
		{id, users.Point{Time: time.Unix(0, 0)}, users.ErrNotYetExisting},
		{newID(), users.Point{Position: 1}, domain.ErrUserNotFound},
		{newID(), users.Point{Version: 1}, domain.ErrUserNotFound},
	} {
		if _, err := r.At(t.Context(), c.id, c.point); !errors.Is(err, c.want) {
			t.Errorf("at %+v: %v, want %v", c.point, err, c.want)
		}
	}
}

// An instant between the newest event and now is asked about while a writer is in flight: the answer
// waits for the writer, whose event gets an earlier time.
func TestPresentIsSettledBeforeItIsAnswered(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	r := openOn(t, pgtest.Pool(t, db.URL))
	id := r.create(t)
	admin, err := pgx.Connect(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.WithoutCancel(t.Context()))
	tx, err := admin.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var at time.Time
	// As an append does it: under the lock, an instant is given, and the commit is yet to come.
	if err := tx.QueryRow(t.Context(), `
WITH locked AS MATERIALIZED (SELECT pg_advisory_xact_lock(7310579))
INSERT INTO eventlog.events (position, recorded_at, event_id, stream_id, version, schema_version, stream_type, type, data, metadata)
SELECT 2, clock_timestamp(), gen_random_uuid(), $1, 2, 1, 'user', 'RoleGranted', '{"role": "late"}', '{}' FROM locked
RETURNING recorded_at`, id).Scan(&at); err != nil {
		t.Fatal(err)
	}
	answer := make(chan users.Moment, 1)
	go func() {
		m, err := r.At(t.Context(), id, users.Point{Time: at})
		if err != nil {
			t.Error(err)
		}
		answer <- m
	}()
	r.waitForLock(t)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m := <-answer; m.User.Version != 2 {
		t.Errorf("answered version %d before the writer was done, want 2", m.User.Version)
	}
}

// waitForLock returns when somebody waits for the append lock.
func (r *replica) waitForLock(t *testing.T) {
	t.Helper()
	for {
		var waiting bool
		err := r.pool.QueryRow(t.Context(), `
SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 7310579 AND NOT granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`).Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
		if waiting {
			return
		}
	}
}

// However long a history, a point of it is at most a snapshot's interval of events away.
func TestPastOfALongHistoryReadsFewEvents(t *testing.T) {
	t.Parallel()
	config := pgtest.New(t).Config()
	counter := &rowCounter{}
	config.ConnConfig.Tracer = counter
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	r := openOn(t, pool)
	for _, length := range []int{1_000, 100_000} {
		id := r.grow(t, length)
		for i := range 50 {
			version := 1 + i*(length-1)/49
			counter.rows.Store(0)
			if _, err := r.At(t.Context(), id, users.Point{Version: version}); err != nil {
				t.Fatal(err)
			}
			if n := counter.rows.Load(); n > users.DefaultSnapshotEvery+2 {
				t.Errorf("version %d of %d: %d rows were read", version, length, n)
			}
		}
	}
}

// grow makes a user with so many events, and its snapshots.
func (r *replica) grow(t *testing.T, length int) uuid.UUID {
	t.Helper()
	id := r.create(t)
	for version := 1; version < length; {
		c := eventstore.Command{StreamType: domain.StreamType, StreamID: id, ExpectedVersion: version}
		for len(c.Events) < 1000 && version < length {
			name := fmt.Sprintf(`{"displayName": "Number %d"}`, version)
			c.Events = append(c.Events, eventstore.Event{ID: newID(), Type: "UserProfileChanged", SchemaVersion: 1, Data: []byte(name)})
			version++
		}
		if _, err := r.log.Append(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	for {
		if _, err := r.At(t.Context(), id, users.Point{Version: length}); err != nil { // snapshots on its way
			t.Fatal(err)
		}
		var snapshots int
		if err := r.pool.QueryRow(t.Context(), `SELECT count(*) FROM derived.snapshots WHERE stream_id = $1`, id).Scan(&snapshots); err != nil {
			t.Fatal(err)
		}
		if snapshots == length/users.DefaultSnapshotEvery {
			return id
		}
	}
}

// rowCounter counts the rows that queries return.
type rowCounter struct{ rows atomic.Int64 }

func (c *rowCounter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

func (c *rowCounter) TraceQueryEnd(_ context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	c.rows.Add(data.CommandTag.RowsAffected())
}
