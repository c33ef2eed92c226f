package torture

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
)

// bustle is histories that are written: each is a client who does anything to anybody, allowed or not. Users who are
// deleted are followed by others, who take the same few addresses.
type bustle struct {
	t    *testing.T
	all  replicas
	due  <-chan time.Time
	over sync.WaitGroup

	mu    sync.Mutex
	users [usersOfThem]string // "" where there is nobody, or nobody any more

	taken atomic.Int64 // commands that were carried out
}

func newBustle(t *testing.T, all replicas) *bustle {
	ticker := time.NewTicker(time.Second / pastPerSecond)
	t.Cleanup(ticker.Stop)
	return &bustle{t: t, all: all, due: ticker.C}
}

// start writes all histories, some at a time. The function that it returns waits for their end.
func (b *bustle) start() (finished func()) {
	waiting := make(chan int, histories.now())
	for n := range histories.now() {
		waiting <- n
	}
	close(waiting)
	var writers sync.WaitGroup
	for range clientsOfAService {
		writers.Go(func() {
			for n := range waiting {
				b.write(chance(n), n)
			}
		})
	}
	return func() {
		b.t.Helper()
		writers.Wait()
		if least := int64(histories.now() * stepsOfThem.now() / 4); b.taken.Load() < least {
			b.t.Errorf("only %d commands were carried out: the histories have lost their way", b.taken.Load())
		}
	}
}

func (b *bustle) write(rng *rand.Rand, n int) {
	for range stepsOfThem.now() {
		<-b.due
		slot := rng.IntN(usersOfThem)
		b.mu.Lock()
		id := b.users[slot]
		b.mu.Unlock()
		q := b.anything(rng, id)
		r, err := b.all.target(n).send(q)
		switch {
		case err != nil || r.status >= 500 && r.code != "unavailable":
			b.t.Errorf("%s %s %s: %d %s (%v)", q.method, q.path, q.body, r.status, r.code, err)
		case r.ok():
			b.taken.Add(1)
			b.learn(slot, id, q, r)
		}
	}
}

// learn puts a new user into the place of one who is gone. Another may have been faster.
func (b *bustle) learn(slot int, id string, q request, r reply) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case q.method == http.MethodDelete && !strings.Contains(q.path, "/roles/") && b.users[slot] == id:
		b.users[slot] = ""
	case q.path == "/v1/users" && b.users[slot] == "":
		var created struct{ ID string }
		if err := json.Unmarshal(r.body, &created); err != nil {
			b.t.Error(err)
		}
		b.users[slot] = created.ID
	}
}

var (
	givenNames = []string{"Grace", "Grigori", "Linus", "Lise", "Bob", "Beatrice", "ada", "Ören"}
	roleNames  = []string{"admin", "editor", "auditor"}
)

func one(rng *rand.Rand, of []string) string { return of[rng.IntN(len(of))] }

func someAddress(rng *rand.Rand) string { return fmt.Sprintf("mail-%02d@example.com", rng.IntN(70)) }

func someName(rng *rand.Rand) string { return one(rng, givenNames) + " " + one(rng, givenNames) }

func (b *bustle) anything(rng *rand.Rand, id string) (q request) {
	path := "/v1/users/" + id
	if id == "" {
		return request{method: "POST", path: "/v1/users", body: fmt.Sprintf(`{"email": %q, "displayName": %q}`, someAddress(rng), someName(rng))}
	}
	switch choice := rng.IntN(20); {
	case choice < 4:
		return request{method: "PUT", path: path + "/email", body: fmt.Sprintf(`{"email": %q}`, someAddress(rng))}
	case choice < 7:
		return request{method: "PATCH", path: path, body: fmt.Sprintf(`{"displayName": %q, "firstName": %q}`, someName(rng), one(rng, givenNames))}
	case choice < 9:
		return request{method: "POST", path: path + "/suspend", body: `{"reason": "at random"}`}
	case choice < 11:
		return request{method: "POST", path: path + "/reactivate"}
	case choice < 14:
		return request{method: "PUT", path: path + "/roles/" + one(rng, roleNames)}
	case choice < 16:
		return request{method: "DELETE", path: path + "/roles/" + one(rng, roleNames)}
	case choice < 17:
		return request{method: "DELETE", path: path}
	}
	kind := one(rng, []string{"PostCreated", "PostCreated", "PostDeleted"})
	body := fmt.Sprintf(`{"specversion": "1.0", "source": "/torture", "id": %q, "type": %q, "data": {"authorId": %q}}`, uuid.NewString(), kind, id)
	return request{method: "POST", path: "/v1/events", body: body}
}

// present is a question about now: the moment of the last few milliseconds.
func (b *bustle) present(rng *rand.Rand) question {
	q := randomQuestion(rng, b.someUsers(rng))
	q.moment = "as_of=" + time.Now().Add(-time.Duration(rng.IntN(3000))*time.Microsecond).UTC().Format(time.RFC3339Nano)
	return q
}

func (b *bustle) someUsers(rng *rand.Rand) (ids []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range 5 {
		if id := b.users[rng.IntN(usersOfThem)]; id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}
