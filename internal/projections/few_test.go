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

// Five of 20,000 users are suspended, and five deleted.
const manyProfiles = `
INSERT INTO derived.user_profiles (user_id, version, position, created_at, updated_at, status, email, email_key, display_name,
  first_name, last_name, suspension_reason, roles, search)
SELECT md5('user ' || n)::uuid, 1, n, to_timestamp(n), to_timestamp(n), CASE n % 4000 WHEN 0 THEN 'suspended' WHEN 1 THEN 'deleted' ELSE 'active' END,
  n || '@example.com', n || '@example.com', 'User ' || n, '', '', '', '{}', ''
FROM generate_series(1, 20000) n`

// Whoever lists the few users who are not active does not wait until all the others have been looked at: in whatever order now,
// and in that of creation at any moment.
func TestListOfFewLooksAtFew(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	for _, sql := range []string{manyProfiles, "ANALYZE derived.user_profiles"} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	end := projections.At(eventstore.Place{Position: 20_000, RecordedAt: time.Unix(20_000, 0)})
	for _, status := range []domain.Status{domain.Suspended, domain.Deleted} {
		for _, by := range []string{"createdAt", "updatedAt", "email", "displayName"} {
			q := projections.Query{Status: status, Limit: 50, Count: true, Order: projections.Order{By: by}}
			sql, args := q.Statement()
			looksAtFew(t, pool, "SELECT", sql, append([]any{pgx.QueryExecModeCacheDescribe}, args...))
		}
		for _, way := range []string{"in order, newest rows", "in order, former rows"} {
			q := projections.Query{Status: status, Limit: 50, Order: projections.Order{By: "createdAt"}}
			sql, args := q.StatementAt(end, way)
			looksAtFew(t, pool, eventstore.KeepPlan, sql, args)
		}
	}
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
