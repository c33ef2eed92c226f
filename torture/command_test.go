package torture

import (
	"fmt"
	"math/rand/v2"
	"net/http"

	"github.com/google/uuid"
)

// command is a request that adds one event to the log if it happens, and what is known of it.
type command struct {
	request
	creates  string // the user whom all clients may know afterwards
	reports  bool   // an event of another domain: its answer does not say where it is
	fate     fate
	version  int // as it was answered
	position int64
	refusal  string // what it was told though nothing speaks against it
}

// fate is what a client has been told of a command.
type fate int

const (
	unsent       fate = iota
	unavailable       // by 503 that it did not happen
	unknown           // nothing, or by 503 that it may have happened
	acknowledged      // that it did
	refused           // that it breaks a rule, which it does not
)

// settle notes the answer to an attempt, and says whether it is the last.
func (c *command) settle(r reply, err error) bool {
	switch {
	case err != nil, r.code == "outcome_unknown":
		c.fate = unknown
	case r.code == "unavailable":
		c.fate = max(c.fate, unavailable)
	case r.ok():
		if c.fate < unknown && r.replayed {
			c.refusal = "had happened, though its client was told that it had not"
		}
		c.fate, c.version, c.position = acknowledged, r.version, r.position
		return true
	default:
		c.fate, c.refusal = refused, fmt.Sprintf("was refused: %d %s", r.status, r.code)
		return true
	}
	return false
}

// sender is a client: half of what it does is about users that others work on as well, and it leads users
// of its own from their creation to their end.
type sender struct {
	load  *load
	n     int
	rng   *rand.Rand
	count int
	own   string // its own user
	step  int    // how far that one has come
}

// next is the client's next command. It breaks no rule, whatever others do at the same time.
func (s *sender) next() *command {
	s.count++
	c := &command{}
	c.correlation = uuid.Must(uuid.NewV7()).String()
	if s.load.keyed || s.rng.IntN(4) > 0 {
		c.key = c.correlation
	}
	mark := fmt.Sprintf("%d-%d", s.n, s.count) // no two commands want the same
	user := s.load.somebody(s.rng)
	switch choice := s.rng.IntN(10); {
	case choice < 2:
		s.lead(c, mark)
	case choice < 5 || user == "":
		c.creates = s.create(c, mark)
	case choice < 7:
		c.method, c.path, c.body = "PUT", "/v1/users/"+user+"/email", fmt.Sprintf(`{"email": "mail-%s@example.com"}`, mark)
	case choice < 9:
		c.method, c.path, c.body = "PATCH", "/v1/users/"+user, fmt.Sprintf(`{"displayName": "Name %s"}`, mark)
	default:
		c.method, c.path = "PUT", "/v1/users/"+user+"/roles/role-"+mark
	}
	return c
}

func (s *sender) create(c *command, mark string) (id string) {
	id = uuid.Must(uuid.NewV7()).String()
	c.method, c.path = http.MethodPost, "/v1/users"
	c.body = fmt.Sprintf(`{"id": %q, "email": "user-%s@example.com", "firstName": "User", "lastName": %q}`, id, mark, mark)
	return id
}

// lead takes the client's own user a step further. Each builds on the one before, so it has to have a key.
func (s *sender) lead(c *command, mark string) {
	c.key = c.correlation
	path := "/v1/users/" + s.own
	switch s.step {
	case 0:
		s.own = s.create(c, mark)
	case 1:
		c.method, c.path, c.body = "POST", path+"/suspend", `{"reason": "a step"}`
	case 2:
		c.method, c.path = "POST", path+"/reactivate"
	case 3:
		c.method, c.path = "DELETE", path
	}
	s.step = (s.step + 1) % 4
}
