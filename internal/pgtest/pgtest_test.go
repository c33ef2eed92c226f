//go:build unix

package pgtest

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/usersvc/usersvc/migrations"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, IgnoreServer()) }

func TestServiceHasTheLeastRights(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	pool := New(t)
	t.Logf("first database of this program or after it: %v", time.Since(begun))
	for sql, want := range map[string]bool{
		`SELECT pg_has_role('usersvc_app', 'MEMBER')`:                                                true,
		`SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user`: false,
		`SELECT has_table_privilege('eventlog.events', 'INSERT')`:                                    false,
		`SELECT has_schema_privilege('eventlog', 'CREATE')`:                                          false,
		`SELECT current_setting('statement_timeout') <> '0'`:                                         true,
	} {
		if got := ask[bool](t, pool, sql); got != want {
			t.Errorf("%s: %v, want %v", sql, got, want)
		}
	}
	state, err := migrations.Current(t.Context(), pool)
	if err != nil || !state.Ready() {
		t.Errorf("the schema as the service sees it: %+v, %v", state, err)
	}
}

func TestDatabasesAreSeparate(t *testing.T) {
	t.Parallel()
	one, other := Pool(t, DB(t).AdminURL), Pool(t, DB(t).AdminURL)
	if _, err := one.Exec(t.Context(), "CREATE TABLE mine ()"); err != nil {
		t.Fatal(err)
	}
	if ask[bool](t, other, "SELECT to_regclass('mine') IS NOT NULL") {
		t.Error("a table of one database is in the other")
	}
	if ask[string](t, one, "SELECT current_database()::text") == ask[string](t, other, "SELECT current_database()::text") {
		t.Error("both are the same database")
	}
}

func TestEmptyDatabase(t *testing.T) {
	t.Parallel()
	db := EmptyDB(t)
	state, err := migrations.Status(t.Context(), db.AdminURL)
	if err != nil || state.Current != 0 {
		t.Errorf("the schema of an empty database: %+v, %v", state, err)
	}
	if err := migrations.Up(t.Context(), db.AdminURL); err != nil {
		t.Fatal(err)
	}
	if !ask[bool](t, Pool(t, db.URL), "SELECT pg_has_role('usersvc_app', 'MEMBER')") {
		t.Error("the service cannot connect as a member of usersvc_app")
	}
}

func TestDatabaseGoesWithItsTest(t *testing.T) {
	t.Parallel()
	var name string
	t.Run("one", func(t *testing.T) { name = ask[string](t, New(t), "SELECT current_database()::text") })
	if exists(t, name) {
		t.Errorf("%s is still there", name)
	}
}

func TestSweepSparesTheLiving(t *testing.T) {
	t.Parallel()
	s := running(t)
	living, dead := s.run+"living_1", s.run+"dead_1"
	program, err := pgxpool.New(t.Context(), s.admin.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(program.Close)
	if _, err := program.Exec(t.Context(), "SELECT pg_advisory_lock_shared($1)", key(claimOf(living))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{living, dead} {
		execAdmin(t, "CREATE DATABASE "+name)
	}
	t.Cleanup(func() { execAdmin(t, "DROP DATABASE "+living) })

	s.mu.Lock()
	err = s.sweep(context.Background())
	s.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	if !exists(t, living) || exists(t, dead) || !exists(t, s.template) {
		t.Errorf("after sweeping: living %v, dead %v, template %v", exists(t, living), exists(t, dead), exists(t, s.template))
	}
}

func BenchmarkDatabase(b *testing.B) {
	for b.Loop() {
		s := running(b)
		s.create(b, s.template)
	}
}

func exists(t *testing.T, database string) bool {
	t.Helper()
	s := running(t)
	return ask[bool](t, Pool(t, s.admin.String()), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = '"+database+"')")
}

func execAdmin(t *testing.T, sql string) {
	t.Helper()
	s := running(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.conn.Exec(context.Background(), sql); err != nil {
		t.Fatal(err)
	}
}

func ask[T any](t *testing.T, pool *pgxpool.Pool, sql string) T {
	t.Helper()
	var answer T
	if err := pool.QueryRow(t.Context(), sql).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return answer
}
