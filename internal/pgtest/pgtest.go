//go:build unix

// Package pgtest gives each test a PostgreSQL database of its own, cloned from a migrated template.
//
// The server is the one of TEST_DATABASE_URL, whose role must be able to make databases and roles.
// Without it each test program takes the first free one of a few throw-away servers (see slot.go) that
// are kept between runs, so that the second run begins with a template that is there already.
//
//   - Tests may run in parallel, and so may packages: no two share a database.
//   - The service's role is a member of usersvc_app and nothing more, so that rights are tested too.
//   - Databases are dropped after their test. Those of a program that ended in a panic or by kill -9
//     are dropped by the next one; the server of a slot ends with its program.
//   - What stays: the slots, and on the server of TEST_DATABASE_URL the roles and one template.
//   - Cloning copies what is in a database, not what is said about it: a migration's GRANT or SET on
//     the database itself is not seen by tests.
//
// Commits on a throw-away server are not durable and everything else behaves as ever; a test of
// crashes starts a PrivateServer.
package pgtest

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"
)

// Database is a fresh database, there until the end of the test.
type Database struct {
	URL      string // as the service: a member of usersvc_app
	AdminURL string // as the role that migrates: postgres, or the role of TEST_DATABASE_URL
}

// New returns a pool on a fresh migrated database, connected as the service.
func New(tb testing.TB) *pgxpool.Pool {
	tb.Helper()
	return Pool(tb, DB(tb).URL)
}

// URL returns the address of a fresh migrated database, as the service.
func URL(tb testing.TB) string {
	tb.Helper()
	return DB(tb).URL
}

// DB makes a migrated database.
func DB(tb testing.TB) Database {
	tb.Helper()
	s := running(tb)
	return s.create(tb, s.template)
}

// EmptyDB makes a database without migrations.
func EmptyDB(tb testing.TB) Database {
	tb.Helper()
	return running(tb).create(tb, "template0")
}

// Pool opens a pool that is closed before the database goes.
func Pool(tb testing.TB, url string) *pgxpool.Pool {
	tb.Helper()
	pool, err := pgxpool.New(tb.Context(), url)
	if err != nil {
		tb.Fatalf("open a pool: %v", err)
	}
	tb.Cleanup(pool.Close)
	return pool
}

// IgnoreServer tells goleak of the one goroutine that stays: it waits for the throw-away server.
func IgnoreServer() goleak.Option {
	return goleak.IgnoreAnyFunction("github.com/usersvc/usersvc/internal/embeddedpg.(*process).run")
}
