package eventstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/pgtest"
)

// What the database refuses to be asked will not go better next time, and of its own text nothing gets out.
func TestRefusedReads(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	log := openOn(t, pgtest.Pool(t, db.URL))
	operator, err := pgx.Connect(t.Context(), db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer operator.Close(context.WithoutCancel(t.Context()))
	for _, sql := range []string{"ALTER TABLE derived.snapshots RENAME TO gone", "REVOKE SELECT ON eventlog.claims FROM usersvc_app"} {
		if _, err := operator.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	_, missing := log.Load(t.Context(), eventstore.Load{StreamID: newID(), Limit: 1})
	_, _, forbidden := log.Holder(t.Context(), claim("ada")[0])
	for code, err := range map[string]error{"42P01": missing, "42501": forbidden} {
		if err == nil || errors.Is(err, eventstore.ErrUnavailable) || !strings.Contains(err.Error(), code) {
			t.Errorf("got %v, want a refusal with %s", err, code)
		}
		if text := err.Error(); strings.Contains(text, "snapshots") || strings.Contains(text, "claims") {
			t.Errorf("the database's own text is in it: %s", text)
		}
	}
}

func TestReadsWithoutADatabase(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), "postgres://nobody@127.0.0.1:1/nothing")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := openOn(t, pool).Head(t.Context()); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
}
