package torture

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
)

// question is a list of the past, or one user then.
type question struct {
	moment string // as_of=… or at_position=…
	user   string // "" for a list

	status, role, words, address string
	ids                          []string
	createdAfter, createdBefore  string
	sort                         string
	limit                        int
	count                        bool
}

// path is the request for the first page.
func (q question) path() string {
	if q.user != "" {
		return "/v1/users/" + q.user + "?" + q.moment
	}
	values := url.Values{}
	for name, value := range map[string]string{
		"status": q.status, "role": q.role, "q": q.words, "email": q.address, "id": strings.Join(q.ids, ","),
		"created_after": q.createdAfter, "created_before": q.createdBefore, "sort": q.sort,
	} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if q.count {
		values.Set("count", "exact")
	}
	return fmt.Sprintf("/v1/users?%s&limit=%d&%s", q.moment, q.limit, values.Encode())
}

// randomQuestion is one of any kind, but for its moment.
func randomQuestion(rng *rand.Rand, ids []string) question {
	q := question{limit: []int{1 + rng.IntN(10), 200}[rng.IntN(2)], count: rng.IntN(3) == 0}
	q.sort = one(rng, []string{"", "createdAt", "-createdAt", "updatedAt", "-updatedAt", "email", "-email", "displayName", "-displayName"})
	switch rng.IntN(9) {
	case 0, 1:
		q.status = one(rng, []string{"active", "suspended", "deleted"})
	case 2:
		q.role = one(rng, roleNames)
	case 3:
		q.words = strings.ToUpper(one(rng, []string{"gr", "li", "grace bob", "be", "ö", "mail-01@example.com"}))
	case 4:
		q.address = someAddress(rng)
	case 5:
		q.ids = ids
	case 6:
		q.role, q.status = one(rng, roleNames), "suspended"
	case 7:
		if len(ids) > 0 {
			q.user = ids[0]
		}
	}
	return q
}

// pages follows the answer to its end. That a replica has not come so far yet is no answer.
func (s *service) pages(t *testing.T, q question) (bodies []string) {
	t.Helper()
	for target := q.path(); ; {
		r, err := s.send(request{method: "GET", path: target, wait: "wait=5"})
		if err != nil {
			t.Errorf("%s: %v", target, err)
			return bodies
		}
		if r.code == "projection_lagging" || r.code == "unavailable" {
			continue
		}
		if q.user != "" && !r.ok() {
			return append(bodies, r.code)
		}
		bodies = append(bodies, string(r.body))
		var page struct{ NextCursor *string }
		if err := json.Unmarshal(r.body, &page); err != nil || !r.ok() {
			t.Errorf("%s: %d %s %v", target, r.status, r.body, err)
			return bodies
		}
		if page.NextCursor == nil {
			return bodies
		}
		target = fmt.Sprintf("/v1/users?limit=%d&cursor=%s", q.limit, url.QueryEscape(*page.NextCursor))
	}
}
