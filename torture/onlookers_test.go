package torture

import (
	"encoding/json"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"
)

// onlookers read all the time, by id and in lists, users of whom each has been there from the beginning. There
// is nothing that they would be content to be refused, or to find missing.
type onlookers struct {
	t     *testing.T
	s     *service
	users []string

	stopped chan struct{}
	over    sync.WaitGroup

	mu           sync.Mutex
	wrong        map[string]int
	reads, pages int
	walks        int
}

const (
	betweenReads = 20 * time.Millisecond
	betweenPages = 50 * time.Millisecond
	longestPage  = 200
)

func (s *service) lookOn(t *testing.T, users []string) *onlookers {
	o := &onlookers{t: t, s: s, users: users, stopped: make(chan struct{}), wrong: make(map[string]int)}
	t.Cleanup(o.over.Wait)
	o.over.Go(o.readByID)
	o.over.Go(o.walk)
	return o
}

// goOn waits, and says whether there is more to be done.
func (o *onlookers) goOn(after time.Duration) bool {
	select {
	case <-o.stopped:
		return false
	case <-o.t.Context().Done():
		return false
	case <-time.After(after):
		return true
	}
}

// stop ends them, and says what they have seen.
func (o *onlookers) stop() {
	o.t.Helper()
	close(o.stopped)
	o.over.Wait()
	for what, n := range o.wrong {
		o.t.Errorf("%d times: %s", n, what)
	}
	o.t.Logf("%d reads by id and %d pages of %d lists, none failed and none empty", o.reads, o.pages, o.walks)
}

// complain of something, the details once.
func (o *onlookers) complain(what, details string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.wrong[what]++; o.wrong[what] == 1 {
		o.t.Errorf("%s: %s", what, details)
	}
}

// readByID looks at one user after the other.
func (o *onlookers) readByID() {
	for rng := chance(-1); o.goOn(betweenReads); o.reads++ {
		id := o.users[rng.IntN(len(o.users))]
		r, err := o.s.send(request{method: "GET", path: "/v1/users/" + id})
		var shown struct {
			ID, DisplayName          string
			Version                  int
			PostCount, FollowerCount int
		}
		if err != nil || !r.ok() || json.Unmarshal(r.body, &shown) != nil {
			o.complain("a read by id failed", fmt.Sprintf("%d %s (%v)", r.status, r.code, err))
			continue
		}
		if shown.ID != id || shown.DisplayName == "" || shown.Version < versionOfASeed || shown.PostCount < 1 || shown.FollowerCount < 1 {
			o.complain("a read by id shows less than there is", string(r.body))
		}
	}
}

// walk turns the pages of the list of all users, from the first to the last, again and again.
func (o *onlookers) walk() {
	first := fmt.Sprintf("/v1/users?sort=createdAt&count=exact&limit=%d", longestPage)
	next, seen, position := first, make(map[string]bool), int64(0)
	for ; o.goOn(betweenPages); o.pages++ {
		r, err := o.s.send(request{method: "GET", path: next})
		var page struct {
			Data       []struct{ ID string }
			Total      *int
			NextCursor *string
		}
		if err != nil || !r.ok() || json.Unmarshal(r.body, &page) != nil {
			o.complain("a list failed", fmt.Sprintf("%d %s (%v)", r.status, r.code, err))
			continue
		}
		if page.Total != nil && *page.Total < len(o.users) || page.NextCursor != nil && len(page.Data) < longestPage {
			o.complain("a page has fewer users than there are", fmt.Sprintf("%d, of %v in all", len(page.Data), page.Total))
		}
		if r.position < position {
			o.complain("a list went back", fmt.Sprintf("from position %d to %d", position, r.position))
		}
		position = r.position
		for _, u := range page.Data {
			seen[u.ID] = true
		}
		if page.NextCursor != nil {
			next = fmt.Sprintf("/v1/users?limit=%d&cursor=%s", longestPage, url.QueryEscape(*page.NextCursor))
			continue
		}
		o.checkWalk(seen)
		next, seen = first, make(map[string]bool)
	}
}

func (o *onlookers) checkWalk(seen map[string]bool) {
	o.walks++
	missing := 0
	for _, id := range o.users {
		if !seen[id] {
			missing++
		}
	}
	if missing > 0 {
		o.complain("a list lacks users", fmt.Sprintf("%d of %d", missing, len(o.users)))
	}
}
