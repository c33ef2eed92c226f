package torture

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// exported is the log as `usersvc export` writes it, and what it makes of each user after each of its events.
type exported struct {
	events []event
	lives  map[string][]user
	ledger ledger
}

func (pg *postgres) export() *exported {
	t := pg.t
	t.Helper()
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "export")
	cmd.Env = append(os.Environ(), "DATABASE_URL="+pg.url("usersvc"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	x := &exported{lives: make(map[string][]user), ledger: make(ledger)}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Buffer(nil, 1<<20); lines.Scan(); {
		x.read(t, lines.Bytes())
	}
	return x
}

func (x *exported) read(t *testing.T, text []byte) {
	t.Helper()
	var line struct {
		Position             int64
		StreamType, StreamID string
		Version              int
		Type                 string
		Data                 json.RawMessage
		RecordedAt           time.Time
	}
	if err := json.Unmarshal(text, &line); err != nil {
		t.Fatal(err)
	}
	e := event{Position: line.Position, StreamType: line.StreamType, Stream: line.StreamID, Version: line.Version, Type: line.Type, Data: line.Data, At: line.RecordedAt}
	x.events = append(x.events, e)
	if e.StreamType == "activity" {
		if err := x.ledger.count(e); err != nil {
			t.Fatal(err)
		}
		return
	}
	var u user
	if life := x.lives[e.Stream]; len(life) > 0 {
		u = life[len(life)-1]
		u.Roles = slices.Clone(u.Roles)
	}
	if err := u.apply(e); err != nil {
		t.Fatal(err)
	}
	x.lives[e.Stream] = append(x.lives[e.Stream], u)
}

// at is what a user was at a position; ok is false before there was such a user.
func (x *exported) at(id string, position int64) (u user, ok bool) {
	for _, then := range x.lives[id] {
		if then.Position <= position {
			u, ok = then, true
		}
	}
	for _, c := range x.ledger[id] {
		if c.ActivityPosition <= position {
			u.Counted = c
		}
	}
	return u, ok
}

// ask makes a question about any moment of the log: at an event, a little before or after it, before all of them.
func (x *exported) ask(rng *rand.Rand) question {
	var ids []string
	for id := range x.lives {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	rng.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	q := randomQuestion(rng, ids[:min(len(ids), 1+rng.IntN(10))])
	e := x.events[rng.IntN(len(x.events))]
	instant := e.At
	switch rng.IntN(6) {
	case 0, 1:
		q.moment = fmt.Sprintf("at_position=%d", e.Position)
		return q
	case 2:
		instant = instant.Add(-time.Microsecond)
	case 3:
		instant = instant.Add(time.Duration(rng.IntN(1000)))
	case 4:
		if rng.IntN(10) == 0 {
			instant = x.events[0].At.Add(-time.Hour)
		}
	}
	if rng.IntN(8) == 0 {
		q.createdAfter = x.events[rng.IntN(len(x.events))].At.Format(time.RFC3339Nano)
	}
	q.moment = "as_of=" + instant.UTC().Format(time.RFC3339Nano)
	return q
}

// positionOf is the newest position by the moment of a question.
func (x *exported) positionOf(t *testing.T, q question) (position int64) {
	t.Helper()
	if _, err := fmt.Sscanf(q.moment, "at_position=%d", &position); err == nil {
		return position
	}
	instant, err := time.Parse(time.RFC3339Nano, strings.TrimPrefix(q.moment, "as_of="))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range x.events {
		if !e.At.After(instant) {
			position = e.Position
		}
	}
	return position
}

// matches says whether a list is asked for such users.
func (q question) matches(u user) bool {
	after, _ := time.Parse(time.RFC3339Nano, q.createdAfter)
	return (q.status == "" && u.Status != "deleted" || u.Status == q.status) && (q.role == "" || slices.Contains(u.Roles, q.role)) &&
		(q.address == "" || u.Email == q.address) && (q.ids == nil || slices.Contains(q.ids, u.ID)) && u.CreatedAt.After(after) && u.hasWords(q.words)
}

// hasWords is of words that begin names, or of a whole address: the suite asks for no others.
func (u user) hasWords(words string) bool {
	has := strings.Fields(strings.ToLower(u.DisplayName + " " + u.FirstName + " " + u.LastName + " " + u.Email))
	for _, w := range strings.Fields(strings.ToLower(words)) {
		if !slices.ContainsFunc(has, func(s string) bool { return strings.HasPrefix(s, w) }) {
			return false
		}
	}
	return true
}

// compare is the order of a list.
func (q question) compare(a, b user) int {
	by, descending := strings.CutPrefix(q.sort, "-")
	order := a.CreatedAt.Compare(b.CreatedAt)
	switch by {
	case "updatedAt":
		order = a.UpdatedAt.Compare(b.UpdatedAt)
	case "email":
		order = cmp.Compare(a.Email, b.Email)
	case "displayName":
		order = cmp.Compare(a.DisplayName, b.DisplayName)
	}
	if order = cmp.Or(order, cmp.Compare(a.ID, b.ID)); descending {
		return -order
	}
	return order
}

// answer is what the model says to a question.
func (x *exported) answer(t *testing.T, q question) (users []user) {
	t.Helper()
	position := x.positionOf(t, q)
	for id := range x.lives {
		if u, ok := x.at(id, position); ok && (q.user == id || q.user == "" && q.matches(u)) {
			users = append(users, u)
		}
	}
	slices.SortFunc(users, q.compare)
	return users
}

// check holds what was answered against what the model says.
func (r remembered) check(t *testing.T, x *exported) (found int) {
	t.Helper()
	want := x.answer(t, r.question)
	pages := slices.Clone(r.pages) // which are compared again later
	if r.user != "" {
		switch {
		case len(want) == 0:
			want, pages = nil, slices.DeleteFunc(pages, func(s string) bool { return s == "not_yet_existing" || s == "user_not_found" })
		case want[0].Status == "deleted":
			want, pages = nil, slices.DeleteFunc(pages, func(s string) bool { return s == "user_deleted" })
		}
	}
	got, total := shown(t, pages)
	if diff := gocmp.Diff(want, got, sameInstant, cmpopts.EquateEmpty(), gocmp.FilterPath(isPosition, gocmp.Ignore())); diff != "" {
		t.Errorf("%s (-model +answer):\n%s", r.path(), diff)
	}
	if r.count && r.user == "" && total != len(want) {
		t.Errorf("%s: total %d, want %d", r.path(), total, len(want))
	}
	return len(got)
}

func isPosition(p gocmp.Path) bool {
	name := p.Last().String()
	return name == ".Position" || name == ".ActivityPosition"
}

func (x *exported) checkAll(t *testing.T, all replicas, asked []question) (found int) {
	t.Helper()
	for n, q := range asked {
		found += remembered{q, all.target(n).pages(t, q)}.check(t, x)
	}
	return found
}

// shown is the users of an answer, as the model has them.
func shown(t *testing.T, pages []string) (users []user, total int) {
	t.Helper()
	for _, body := range pages {
		var page struct {
			Data  []json.RawMessage
			Total int
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if page.Data == nil {
			page.Data = []json.RawMessage{json.RawMessage(body)} // one user
		}
		total += page.Total // the first page has it
		for _, one := range page.Data {
			var u struct {
				user
				SuspensionReason         *string
				SuspendedAt              *time.Time
				PostCount, FollowerCount int
			}
			if err := json.Unmarshal(one, &u); err != nil {
				t.Fatalf("%s: %v", one, err)
			}
			if u.SuspendedAt != nil {
				u.user.SuspendedAt, u.user.SuspensionReason = *u.SuspendedAt, *u.SuspensionReason
			}
			u.Posts, u.Followers = u.PostCount, u.FollowerCount
			users = append(users, u.user)
		}
	}
	return users, total
}
