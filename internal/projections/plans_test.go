package projections_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/projections"
)

// Whatever is asked of them, the look-ups of users and the lists of the past are planned once in a connection, for tables
// that will not always be as small as here.
func TestLookUpsArePlannedOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := newID()
	h.happened(t, id, domain.UserCreated{Email: "ada@example.com", DisplayName: "Ada"})
	h.applyAll(t)
	config := h.pool.Config()
	config.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	log, p := eventstore.Open(pool), projections.NewProfiles(pool)
	defer log.Close(t.Context())
	at := at(h.behind(t, 0)[0])
	for range 10 {
		must(t, second(log.Load(t.Context(), eventstore.Load{StreamType: domain.StreamType, StreamID: id, Limit: 10})))
		must(t, second(p.Current(t.Context(), id)))
		must(t, second(p.ActivityAt(t.Context(), id, at, 0)))
		for way := range projections.Ways {
			must(t, second(p.PageAt(t.Context(), projections.Query{Limit: 5, Status: domain.Suspended, Role: "admin", Order: projections.Order{By: "email"}}, at, way)))
		}
	}
	rows, _ := pool.Query(t.Context(), `SELECT generic_plans > 0 AND custom_plans = 0, statement FROM pg_prepared_statements
		WHERE statement ~ 'eventlog.events|derived.user' AND statement !~ 'reltuples|pg_prepared'`)
	kept := 0
	var ok bool
	var statement string
	_, err = pgx.ForEachRow(rows, []any{&ok, &statement}, func() error {
		if kept++; !ok {
			t.Errorf("planned more than once: %s", statement)
		}
		return nil
	})
	if err != nil || kept < 3+len(projections.Ways)-1 {
		t.Errorf("%d statements were kept, %v: the test has lost its way", kept, err)
	}
}

func second[T any](_ T, err error) error { return err }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
