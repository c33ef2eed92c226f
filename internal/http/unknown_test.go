package httpapi_test

import (
	"fmt"
	"testing"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// The connection to the database is cut fifty times between COMMIT and its reply. Sent again with its key
// until it is answered, each command is there once, and nobody is told that one failed.
func TestLostReplies(t *testing.T) {
	t.Parallel()
	proxy := pgtest.NewProxy(t, pgtest.URL(t))
	s := bootOn(t, pgtest.Pool(t, proxy.URL))
	path := s.create(t, "ada@example.com")
	const cuts = 50
	for i := range cuts {
		proxy.CutAfterCommit(1)
		s.untilAnswered(t, step{"PUT", fmt.Sprintf("%s/roles/r%d", path, i), ""}, fmt.Sprintf("Idempotency-Key: k%d", i))
	}
	if proxy.Cuts() < cuts {
		t.Errorf("only %d connections were cut", proxy.Cuts())
	}
	s.wantNewest(t, path, cuts+1, "RoleGranted")
}

func (s *stack) untilAnswered(t *testing.T, c step, key string) answer {
	t.Helper()
	for {
		got := s.send(t, c.method, c.path, c.body, key)
		switch {
		case got.Status == 200:
			return got
		case got.Status != 503:
			t.Fatalf("%s %s: %d %s", c.method, c.path, got.Status, got.Body)
		}
	}
}

// A command that cannot be finished in time may still happen, and the caller is told just that.
func TestOutcomeUnknown(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	blocker, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = blocker.Rollback(t.Context()) }()
	if _, err := blocker.Exec(t.Context(), "SELECT pg_advisory_xact_lock(7310579)"); err != nil { // the lock of every append
		t.Fatal(err)
	}
	const key = "Idempotency-Key: k"
	got := s.want(t, 503, "outcome_unknown", "PUT", path+"/roles/admin", "", key)
	if got.Header.Get("Retry-After") == "" {
		t.Error("Retry-After is missing")
	}
	if err := blocker.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.untilAnswered(t, step{"PUT", path + "/roles/admin", ""}, key)
	s.wantNewest(t, path, 2, "RoleGranted")
}
