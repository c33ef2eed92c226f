package migrations_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/usersvc/usersvc/internal/embeddedpg"
	"github.com/usersvc/usersvc/internal/pgtest"
	"github.com/usersvc/usersvc/migrations"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, pgtest.IgnoreServer()) }

func TestDownLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	url := pgtest.EmptyDB(t).AdminURL
	empty := inventory(t, url)
	up(t, url)
	full := inventory(t, url)
	for steps := 1; steps <= int(migrations.Latest()); steps++ {
		if err := migrations.Down(t.Context(), url, steps); err != nil {
			t.Fatal(err)
		}
		if got := status(t, url).Current; got != migrations.Latest()-uint(steps) {
			t.Errorf("%d steps down is version %d", steps, got)
		}
		up(t, url)
		if diff := cmp.Diff(full, inventory(t, url)); diff != "" {
			t.Errorf("%d steps down and up again is not the same: %s", steps, diff)
		}
	}
	if err := migrations.Down(t.Context(), url, 99); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(empty, inventory(t, url)); diff != "" {
		t.Errorf("left behind: %s", diff)
	}
}

func TestDownNeedsAStep(t *testing.T) {
	t.Parallel()
	url := pgtest.EmptyDB(t).AdminURL
	if err := migrations.Down(t.Context(), url, 0); err == nil {
		t.Error("no step down was fine")
	}
	if err := migrations.Down(t.Context(), url, 1); err != nil {
		t.Errorf("nothing to take back: %v", err)
	}
}

func TestStatusChangesNothing(t *testing.T) {
	t.Parallel()
	url := pgtest.EmptyDB(t).AdminURL
	if got, want := status(t, url), (migrations.State{Latest: migrations.Latest()}); got != want || got.Ready() {
		t.Errorf("an empty database is %+v, ready %v", got, got.Ready())
	}
	if tables := ask[int](t, url, `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`); tables != 0 {
		t.Errorf("%d tables were made", tables)
	}
	up(t, url)
	if got := status(t, url); got.Current != got.Latest || !got.Ready() {
		t.Errorf("a migrated database is %+v, ready %v", got, got.Ready())
	}
}

func TestReplicasMigrateAtOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.EmptyDB(t).AdminURL
	atOnce(t, url, url, url, url)
}

// The roles belong to the cluster, so databases meet in them.
func TestDatabasesOfANewClusterMigrateAtOnce(t *testing.T) {
	t.Parallel()
	cluster := pgtest.PrivateServer(t, embeddedpg.Options{Throwaway: true})
	var urls []string
	for _, name := range []string{"one", "two", "three", "four"} {
		exec(t, cluster.URL("postgres", "postgres"), "CREATE DATABASE "+name)
		urls = append(urls, cluster.URL("postgres", name))
	}
	atOnce(t, urls...)
}

func TestFailedMigrationLeavesNoTrace(t *testing.T) {
	t.Parallel()
	url := pgtest.EmptyDB(t).AdminURL
	exec(t, url, "CREATE SCHEMA derived") // in the way of version 3
	err := migrations.Up(t.Context(), url)
	if err == nil || !strings.Contains(err.Error(), "migrate to version 3, line ") || len(err.Error()) > 200 {
		t.Errorf("got %v", err)
	}
	if got := status(t, url); got.Current != 2 || got.Dirty {
		t.Errorf("after the failure: %+v", got)
	}
	exec(t, url, "DROP SCHEMA derived")
	up(t, url)
}

func TestInterruptedMigrationLeavesNoTrace(t *testing.T) {
	t.Parallel()
	url := pgtest.EmptyDB(t).AdminURL
	pool := pgtest.Pool(t, url)
	blocker, err := pool.Begin(t.Context())
	must(t, err)
	_, err = blocker.Exec(t.Context(), "CREATE SCHEMA derived") // version 3 waits for how this ends
	must(t, err)

	result := make(chan error)
	go func() { result <- migrations.Up(t.Context(), url) }()
	terminate := `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'transactionid'`
	eventually(t, func() bool { return ask[int](t, url, terminate) == 1 })
	if err := <-result; err == nil {
		t.Error("a killed connection is no error")
	}
	must(t, blocker.Rollback(t.Context()))
	if got := status(t, url); got.Current != 2 || got.Dirty {
		t.Errorf("after the interruption: %+v", got)
	}
	up(t, url)
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	url := pgtest.EmptyDB(t).AdminURL
	pool := pgtest.Pool(t, url)
	other, err := pool.Begin(t.Context())
	must(t, err)
	defer other.Rollback(context.Background())
	_, err = other.Exec(t.Context(), "SELECT pg_advisory_xact_lock(7310580)")
	must(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() { result <- migrations.Up(ctx, url) }()
	waiting := `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'`
	eventually(t, func() bool { return ask[int](t, url, waiting) == 1 })
	cancel()
	if err := <-result; err == nil || !strings.Contains(err.Error(), "wait for another migration") {
		t.Errorf("got %v", err)
	}
}

func TestSchemaOfANewerProgram(t *testing.T) {
	t.Parallel()
	url := pgtest.DB(t).AdminURL
	exec(t, url, "UPDATE schema_migrations SET version = 999999")
	if !status(t, url).Ready() {
		t.Error("a running replica is not ready while the next release migrates")
	}
	if err := migrations.Up(t.Context(), url); err == nil || !strings.Contains(err.Error(), "at version 999999") {
		t.Errorf("got %v", err)
	}
}

// inventorySQL lists what a database holds beyond an empty one's, with the rights to it.
const inventorySQL = `
	SELECT format('schema %s %s', nspname, nspacl) FROM pg_namespace WHERE nspname !~ '^pg_(toast|temp)'
	UNION ALL
	SELECT format('%s %s %s', relkind, c.oid::regclass, relacl) FROM pg_class c
	WHERE c.oid >= 16384 AND relname !~ '^(schema_migrations|pg_toast)'
	UNION ALL
	SELECT format('column %s.%s %s %s', attrelid::regclass, attname, atttypid::regtype, attnotnull) FROM pg_attribute
	WHERE attrelid >= 16384 AND NOT attisdropped AND attrelid::regclass::text !~ '(schema_migrations|pg_toast)'
	UNION ALL
	SELECT format('constraint %s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
	WHERE conrelid >= 16384 AND conrelid::regclass::text !~ 'schema_migrations'
	UNION ALL
	SELECT format('function %s %s %s', oid::regprocedure, proacl, md5(prosrc)) FROM pg_proc WHERE oid >= 16384
	UNION ALL
	SELECT format('trigger %s %s', tgrelid::regclass, tgname) FROM pg_trigger
	UNION ALL
	SELECT format('type %s', oid::regtype) FROM pg_type WHERE oid >= 16384 AND typname !~ 'schema_migrations'
	UNION ALL
	SELECT format('extension %s', extname) FROM pg_extension
	UNION ALL
	SELECT format('default rights %s', defaclacl) FROM pg_default_acl
	UNION ALL
	SELECT format('setting %s', setconfig) FROM pg_db_role_setting d JOIN pg_database b ON b.oid = d.setdatabase
	WHERE datname = current_database()
	ORDER BY 1`

func inventory(t *testing.T, url string) []string {
	t.Helper()
	rows, err := pgtest.Pool(t, url).Query(t.Context(), inventorySQL)
	must(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, err)
	return names
}

func atOnce(t *testing.T, urls ...string) {
	t.Helper()
	var all sync.WaitGroup
	for _, url := range urls {
		all.Go(func() {
			if err := migrations.Up(t.Context(), url); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, url := range urls {
		if got := status(t, url); got.Current != got.Latest {
			t.Errorf("%+v", got)
		}
	}
}

func up(t *testing.T, url string) {
	t.Helper()
	must(t, migrations.Up(t.Context(), url))
}

func status(t *testing.T, url string) migrations.State {
	t.Helper()
	state, err := migrations.Status(t.Context(), url)
	must(t, err)
	return state
}

func ask[T any](t *testing.T, url, sql string) (answer T) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	must(t, err)
	defer pool.Close()
	must(t, pool.QueryRow(t.Context(), sql).Scan(&answer))
	return answer
}

func exec(t *testing.T, url, sql string) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	must(t, err)
	defer pool.Close()
	_, err = pool.Exec(t.Context(), sql)
	must(t, err)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	end := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-end:
			t.Fatal("30 s went by")
		case <-time.After(5 * time.Millisecond):
		}
	}
}
