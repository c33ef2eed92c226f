package projections_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/pgtest"
	"github.com/usersvc/usersvc/internal/projections"
)

// Five of 20,000 users are suspended, five deleted, and five have a rare name.
const manyProfiles = `
INSERT INTO derived.user_profiles (user_id, version, position, created_at, updated_at, status, email, email_key, display_name,
  first_name, last_name, suspension_reason, roles, search)
SELECT md5('user ' || n)::uuid, 1, n, to_timestamp(n), to_timestamp(n), CASE n % 4000 WHEN 0 THEN 'suspended' WHEN 1 THEN 'deleted' ELSE 'active' END,
  n || '@example.com', n || '@example.com', 'User ' || n, '', '', '', '{}', array_to_tsvector(ARRAY['user', CASE n % 4000 WHEN 2 THEN 'rarely' ELSE 'often' END])
FROM generate_series(1, 20000) n`

// Whoever lists the few users who are not active, or who have a name that few have, does not wait until all the others have been
// looked at, in whatever order. Nor are all looked at who have a common name.
func TestListLooksAtFew(t *testing.T) {
	t.Parallel()
	pool := manyUsers(t)
	p := projections.NewProfiles(pool)
	for _, q := range []projections.Query{
		{Status: domain.Suspended, Limit: 50, Count: true}, {Status: domain.Deleted, Limit: 50, Count: true},
		{Words: "RARE", Limit: 50, Count: true}, {Words: "rarely user", Limit: 50, Count: true},
		{Words: "often", Limit: 4},
	} {
		for _, by := range []string{"createdAt", "updatedAt", "email", "displayName"} {
			q.Order.By = by
			sql, args, err := p.Statement(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			looksAtFew(t, pool, "SELECT", sql, append([]any{pgx.QueryExecModeCacheDescribe}, args...))
		}
	}
}

// So it is at any moment, in the order of creation even where nobody expects them to be few.
func TestListOfThePastLooksAtFew(t *testing.T) {
	t.Parallel()
	pool := manyUsers(t)
	end := projections.At(eventstore.Place{Position: 20_000, RecordedAt: time.Unix(20_000, 0)})
	for _, status := range []domain.Status{domain.Suspended, domain.Deleted} {
		for _, c := range [][2]string{
			{"in order, newest rows", "createdAt"}, {"in order, former rows", "createdAt"},
			{"by status", "createdAt"}, {"by status", "updatedAt"}, {"by status", "email"}, {"by status", "displayName"},
		} {
			q := projections.Query{Status: status, Limit: 50, Order: projections.Order{By: c[1]}}
			sql, args := q.StatementAt(end, c[0])
			looksAtFew(t, pool, eventstore.KeepPlan, sql, args)
		}
	}
}

func manyUsers(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.New(t)
	for _, sql := range []string{manyProfiles, "ANALYZE derived.user_profiles"} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	return pool
}

// PostgreSQL counts a row for the index by which it was found, or for the table after a bitmap of rows.
const lookedAt = `
SELECT sum(pg_stat_get_xact_tuples_fetched(oid))::bigint FROM pg_class WHERE relnamespace = 'derived'::regnamespace AND relname LIKE 'user\_profiles%'`

func looksAtFew(t *testing.T, pool *pgxpool.Pool, before, sql string, args []any) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		var already, looked int64
		if err := tx.QueryRow(t.Context(), lookedAt).Scan(&already); err != nil {
			return err
		}
		if _, err := tx.Exec(t.Context(), before); err != nil {
			return err
		}
		tag, err := tx.Exec(t.Context(), sql, args...)
		if err != nil {
			return err
		}
		err = tx.QueryRow(t.Context(), lookedAt).Scan(&looked)
		if looked -= already; tag.RowsAffected() != 5 || looked > 50 {
			t.Errorf("%d rows of user_profiles were looked at to find %d, want 5: %.200s", looked, tag.RowsAffected(), sql)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
