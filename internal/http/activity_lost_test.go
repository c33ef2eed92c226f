package httpapi_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// The answer of the log does not come: the sender is told so, sends the same again, and each is kept once.
func TestEventsWhoseOutcomeIsUnknown(t *testing.T) {
	s := boot(t)
	blocker, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = blocker.Rollback(t.Context()) }()
	if _, err := blocker.Exec(t.Context(), "SELECT pg_advisory_xact_lock(7310579)"); err != nil { // the lock of every append
		t.Fatal(err)
	}
	user := uuid.NewString()
	var events []any
	for i := range 600 {
		events = append(events, cloudEvent(fmt.Sprint(i), "PostCreated", user))
	}
	said := map[string]int{}
	for _, v := range s.report(t, events, batch) {
		said[v.status+" "+v.code]++
	}
	if said["rejected outcome_unknown"] == 0 || said["rejected unavailable"] == 0 || len(said) != 2 {
		t.Errorf("while appends wait: %v", said)
	}
	if err := blocker.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, v := range s.report(t, events, batch) {
		if v.status == "rejected" {
			t.Fatalf("sent again: %+v", v)
		}
	}
	var stored, different int
	err = s.pool.QueryRow(t.Context(), `SELECT count(*), count(DISTINCT data->>'id') FROM eventlog.events`).Scan(&stored, &different)
	if err != nil || stored != 600 || different != 600 {
		t.Errorf("%d events are stored, %d different ones (%v)", stored, different, err)
	}
}

// The reply to a commit is cut again and again: nothing is lost, and nothing kept twice.
func TestEventsWhoseReplyIsLost(t *testing.T) {
	t.Parallel()
	proxy := pgtest.NewProxy(t, pgtest.URL(t))
	s := bootOn(t, pgtest.Pool(t, proxy.URL))
	path := s.create(t, "ada@example.com")
	const cuts = 20
	for i := range cuts {
		proxy.CutAfterCommit(1)
		event := cloudEvent(fmt.Sprint(i), "PostCreated", strings.TrimPrefix(path, "/v1/users/"))
		for status := "rejected"; status == "rejected"; {
			status = s.report(t, event, single)[0].status
		}
	}
	if proxy.Cuts() < cuts {
		t.Errorf("only %d connections were cut", proxy.Cuts())
	}
	s.settle(t)
	s.wantCounters(t, path, cuts, 0, fmt.Sprintf(`"1.%d"`, cuts+1))
}
