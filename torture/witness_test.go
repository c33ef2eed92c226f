package torture

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
)

func newWitness(t *testing.T, s *service) *witness {
	t.Helper()
	w := &witness{t: t, s: s, began: time.Now(), known: make([]atomic.Int64, registers.now())}
	for n := range w.known {
		id := uuid.Must(uuid.NewV7()).String()
		body := fmt.Sprintf(`{"id": %q, "email": "register-%d@example.com", "displayName": "created"}`, id, n)
		r, err := s.send(request{method: "POST", path: "/v1/users", body: body})
		if err != nil || !r.ok() {
			t.Fatalf("create a user: %d %s (%v)", r.status, r.code, err)
		}
		w.users, w.start = append(w.users, id), r.position
		w.known[n].Store(1)
	}
	return w
}

func (w *witness) goesOn() bool {
	return w.done.Load() < int64(operations.now()) && w.t.Context().Err() == nil
}

// operate reads and writes, as often the one as the other.
func (w *witness) operate(client int) {
	rng := chance(client)
	for n := 0; w.goesOn(); n++ {
		user := rng.IntN(len(w.users))
		if rng.IntN(2) == 0 {
			w.read(client, user)
		} else {
			w.write(client, user, n)
		}
	}
}

func (w *witness) read(client, user int) {
	call := time.Since(w.began)
	r, err := w.s.send(request{method: "GET", path: "/v1/users/" + w.users[user]})
	if err != nil || r.code == "unavailable" {
		return // it saw nothing
	}
	var shown struct{ DisplayName string }
	if err := json.Unmarshal(r.body, &shown); err != nil || !r.ok() {
		w.t.Errorf("a read was answered %d %s (%v)", r.status, r.code, err)
		return
	}
	w.note(client, asked{user: user}, told{seen: registered{r.version, shown.DisplayName}}, call)
	w.learn(user, r.version)
}

// write changes a user on the condition that it is as it was last seen, and returns what it was told.
func (w *witness) write(client, user, n int) reply {
	in := asked{user: user, write: true, ifMatch: int(w.known[user].Load()), name: fmt.Sprintf("%d-%d", client, n)}
	call := time.Since(w.began)
	r, err := w.s.send(request{
		method: "PATCH", path: "/v1/users/" + w.users[user], body: fmt.Sprintf(`{"displayName": %q}`, in.name), ifMatch: strconv.Quote(strconv.Itoa(in.ifMatch)),
	})
	switch {
	case err != nil || r.code == "outcome_unknown":
		w.note(client, in, told{missing: true}, call)
	case r.ok():
		w.note(client, in, told{seen: registered{r.version, in.name}}, call)
		w.learn(user, r.version)
	case r.code == "precondition_failed":
		w.note(client, in, told{seen: registered{version: r.currentVersion}, refused: true}, call)
		w.learn(user, r.currentVersion)
	case r.code != "unavailable": // which says that nothing happened: it leaves no trace
		w.t.Errorf("a write was answered %d %s", r.status, r.code)
	}
	return r
}

func (w *witness) learn(user, version int) {
	for known := &w.known[user]; ; {
		if before := known.Load(); before >= int64(version) || known.CompareAndSwap(before, int64(version)) {
			return
		}
	}
}

// list writes a user and lists all of them from that position on, and again.
func (w *witness) list(client int) {
	rng := chance(client)
	seen := make(map[string]int)
	position := w.start
	for n := 0; w.goesOn(); n++ {
		user := rng.IntN(len(w.users))
		if r := w.write(client, user, n); r.ok() {
			seen[w.users[user]], position = r.version, max(position, r.position)
		}
		position = w.listFrom(position, seen, rng)
	}
}

// listFrom lists all users as of a position or later, and returns that of the list.
func (w *witness) listFrom(position int64, seen map[string]int, rng *rand.Rand) int64 {
	order := []string{"createdAt", "-updatedAt", "email"}[rng.IntN(3)]
	r, err := w.s.send(request{method: "GET", path: fmt.Sprintf("/v1/users?limit=200&sort=%s&min_position=%d", order, position), wait: "wait=5"})
	if err != nil || r.code == "unavailable" || r.code == "projection_lagging" {
		return position
	}
	var page struct {
		Data []struct {
			ID      string
			Version int
		}
	}
	if err := json.Unmarshal(r.body, &page); err != nil || !r.ok() || len(page.Data) != len(w.users) || r.position < position {
		w.t.Errorf("a list from position %d was answered %d %s with %d users at position %d (%v)", position, r.status, r.code, len(page.Data), r.position, err)
		return position
	}
	for _, u := range page.Data {
		if u.Version < seen[u.ID] {
			w.t.Errorf("a list at position %d shows version %d of a user whom its client had seen at version %d", r.position, u.Version, seen[u.ID])
		}
		seen[u.ID] = u.Version
	}
	w.lists.Add(1)
	return r.position
}
