//go:build unix

package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// server is where this program's test databases are. Its connection is open until the program ends,
// and holds the claims (see claims.go) for as long.
type server struct {
	mu       sync.Mutex // one statement at a time
	conn     *pgx.Conn
	admin    url.URL // of any database; create fills in the name
	service  url.URL
	external bool
	template string
	run      string // begins the names of our databases
	made     int
}

var start = sync.OnceValues(func() (*server, error) {
	s, err := reach()
	if err != nil {
		return nil, fmt.Errorf("reach a server for tests: %w", err)
	}
	if err := s.prepare(context.Background()); err != nil {
		return nil, fmt.Errorf("prepare the server for tests: %w", err)
	}
	return s, nil
})

func running(tb testing.TB) *server {
	tb.Helper()
	s, err := start()
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// reach connects to the server that was given, else to a throw-away one.
func reach() (*server, error) {
	ctx := context.Background()
	given := os.Getenv("TEST_DATABASE_URL")
	s := &server{external: given != ""}
	if !s.external {
		slot, err := takeSlot(ctx)
		if err != nil {
			return nil, err
		}
		given = slot.URL("postgres", "postgres")
	}
	address, err := url.Parse(given)
	if err != nil || address.Scheme == "" { // the error would show the password
		return nil, errors.New("TEST_DATABASE_URL must be of the form postgres://role:password@host/database")
	}
	s.admin, s.service = *address, *address
	s.service.User = url.User("usersvc")
	if s.external {
		password, _ := address.User.Password()
		s.service.User = externalUser(password)
	}
	s.conn, err = pgx.Connect(ctx, given)
	return s, err
}

// create makes a database from a template, for as long as the test takes.
func (s *server) create(tb testing.TB, template string) Database {
	tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made++
	name := fmt.Sprintf("%s_%d", s.run, s.made)
	sql := "CREATE DATABASE " + name + " TEMPLATE " + template + s.strategy()
	if _, err := s.conn.Exec(context.Background(), sql); err != nil {
		tb.Fatalf("create a database: %v", err)
	}
	tb.Cleanup(func() { s.drop(tb, name) })
	return Database{URL: of(s.service, name), AdminURL: of(s.admin, name)}
}

// strategy copies files, which is three times as quick where the disk is not waited for.
func (s *server) strategy() string {
	if s.external || s.conn.PgConn().ParameterStatus("server_version") < "15" {
		return ""
	}
	return " STRATEGY FILE_COPY"
}

func (s *server) drop(tb testing.TB, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for tries := 1; ; tries++ {
		_, err := s.conn.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
		if err == nil {
			return
		}
		var refused *pgconn.PgError
		if tries == vacuumTries || !errors.As(err, &refused) || refused.Code != "42501" {
			tb.Errorf("drop the test's database: %v", err)
			return
		}
		<-time.After(vacuumPause)
	}
}

// Since PostgreSQL 18 not everybody who may drop a database may end an automatic vacuum of it, which is over soon.
const (
	vacuumTries = 50
	vacuumPause = 100 * time.Millisecond
)

// of is the address of one database of the server.
func of(address url.URL, database string) string {
	address.Path = "/" + database
	return address.String()
}
