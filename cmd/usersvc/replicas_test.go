package main

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// The connection to the database is cut between COMMIT and its reply, fifty times. Clients repeat what
// was not answered with the same key: each command is there once, and nobody was told that one failed.
func TestLostRepliesOfTheDatabase(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	proxy := pgtest.NewProxy(t, db.URL)
	p := serve(t, t.TempDir(), "DATABASE_URL="+proxy.URL)
	id := p.create("ada@example.com")
	const cuts = 50
	for i := range cuts {
		proxy.CutAfterCommit(1)
		for done := false; !done; {
			a, err := p.ask("PUT", fmt.Sprintf("/v1/users/%s/roles/role-%d", id, i), "", fmt.Sprintf("Idempotency-Key: cut-%d", i))
			switch {
			case err != nil || a.status == http.StatusServiceUnavailable: // it may have happened: again
			case a.status == http.StatusOK:
				done = true
			default:
				t.Fatalf("cut %d: %d %v", i, a.status, a.body)
			}
		}
	}
	if n := proxy.Cuts(); n != cuts {
		t.Errorf("%d connections were cut, want %d", n, cuts)
	}
	if version := p.must(200, "GET", "/v1/users/"+id, "").body["version"].(float64); version != cuts+1 {
		t.Errorf("version %v after %d commands, want %d", version, cuts, cuts+1)
	}
	head := p.must(200, "GET", "/v1/projections/user_profiles", "").body["head"].(float64)
	if head != cuts+1 {
		t.Errorf("%v events in the log, want %d", head, cuts+1)
	}
}

// Two processes, one user: whatever was answered 200 is in the history, the rest was told why not.
func TestReplicasFightOverAUser(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	replicas := []*process{serve(t, t.TempDir(), "DATABASE_URL="+db.URL), serve(t, t.TempDir(), "DATABASE_URL="+db.URL)}
	id := replicas[0].create("ada@example.com")
	const clients = 64
	answers := make([]answer, clients)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			var err error
			if answers[i], err = replicas[i%2].ask("PUT", fmt.Sprintf("/v1/users/%s/roles/role-%02d", id, i), ""); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	roles := replicas[1].must(200, "GET", "/v1/users/"+id, "").body["roles"].([]any)
	for i, a := range answers {
		granted := slices.Contains(roles, any(fmt.Sprintf("role-%02d", i)))
		switch {
		case a.status == http.StatusOK && granted:
		case a.status == http.StatusConflict && a.body["code"] == "version_conflict" && !granted:
		default:
			t.Errorf("client %d: %d %v, though granted is %v", i, a.status, a.body, granted)
		}
	}
}

// Each replica's relay is woken by its own commits; the other one shows them just as well.
func TestListOfOneReplicaShowsTheWritesOfTheOther(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	here, there := serve(t, t.TempDir(), "DATABASE_URL="+db.URL), serve(t, t.TempDir(), "DATABASE_URL="+db.URL)
	for i := range 20 {
		written := here.must(201, "POST", "/v1/users", fmt.Sprintf(`{"email": "u%d@example.com", "displayName": "U"}`, i))
		list := there.caughtUp("/v1/users?limit=200&min_position=" + written.header.Get("X-Event-Position"))
		if n := len(list.body["data"].([]any)); n != i+1 {
			t.Fatalf("%d users after %d were created", n, i+1)
		}
	}
}
