package projections_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/pgtest"
	"github.com/usersvc/usersvc/internal/projections"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, pgtest.IgnoreServer()) }

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// history is a log and the versions of the streams in it.
type history struct {
	*eventstore.Log
	pool     *pgxpool.Pool
	versions map[uuid.UUID]int
	deleted  map[uuid.UUID]bool
}

func open(t *testing.T) *history {
	t.Helper()
	return openAt(t, pgtest.New(t))
}

func openAt(t *testing.T, pool *pgxpool.Pool) *history {
	t.Helper()
	log := eventstore.Open(pool)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		log.Close(ctx)
	})
	return &history{log, pool, map[uuid.UUID]int{}, map[uuid.UUID]bool{}}
}

// happened appends an event of a user as if it had been decided.
func (h *history) happened(t *testing.T, id uuid.UUID, e domain.Event) {
	t.Helper()
	typ, schema, data, err := domain.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	h.stored(t, id, domain.StreamType, eventstore.Event{ID: newID(), Type: typ, SchemaVersion: schema, Data: data})
}

// reported appends an event of another domain.
func (h *history) reported(t *testing.T, a domain.Activity) {
	t.Helper()
	id := newID()
	typ, schema, data, err := domain.EncodeActivity(domain.Origin{Source: "/test", ID: id.String()}, a)
	if err != nil {
		t.Fatal(err)
	}
	h.stored(t, id, domain.ActivityType, eventstore.Event{ID: id, Type: typ, SchemaVersion: schema, Data: data})
}

func (h *history) stored(t *testing.T, id uuid.UUID, streamType string, e eventstore.Event) {
	t.Helper()
	c := eventstore.Command{StreamType: streamType, StreamID: id, ExpectedVersion: h.versions[id], Events: []eventstore.Event{e}}
	if _, err := h.Append(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	h.versions[id]++
}

// behind reads the log behind a position.
func (h *history) behind(t *testing.T, position int64) (events []eventstore.Recorded) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), h.pool, func(tx pgx.Tx) (err error) {
		events, err = eventstore.After(t.Context(), tx, position, math.MaxInt64, 100_000)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// apply hands events to the projection in batches of a size, and moves the checkpoint as the relay does.
func (h *history) apply(t *testing.T, events []eventstore.Recorded, size int) error {
	t.Helper()
	for len(events) > 0 {
		batch := events[:min(size, len(events))]
		events = events[len(batch):]
		err := pgx.BeginFunc(t.Context(), h.pool, func(tx pgx.Tx) error {
			if err := projections.Live.Apply(t.Context(), tx, batch); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), `UPDATE derived.subscriptions SET checkpoint = $1 WHERE name = 'user_profiles'`, batch[len(batch)-1].Position)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *history) applyAll(t *testing.T) {
	t.Helper()
	if err := h.apply(t, h.behind(t, 0), 1000); err != nil {
		t.Fatal(err)
	}
}

// rows is all tables as text, in order of ids: the users, what they were, the roles that they had, and the ledger.
func (h *history) rows(t *testing.T) []string {
	t.Helper()
	rows, _ := h.pool.Query(t.Context(), `
(SELECT p::text FROM derived.user_profiles p ORDER BY user_id)
UNION ALL (SELECT v::text FROM derived.user_versions v ORDER BY user_id, position)
UNION ALL (SELECT h::text FROM derived.role_holders h ORDER BY user_id, role)
UNION ALL (SELECT a::text FROM derived.activity a ORDER BY user_id, position)`)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return all
}
