package httpapi_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/usersvc/usersvc/internal/projections"
)

// busy makes users and has things happen to them. It returns their paths, and the time of each event.
func busy(t *testing.T, s *stack, users, events int) (paths, times []string) {
	t.Helper()
	rng := rand.New(rand.NewPCG(11, 12))
	for i := range users {
		paths = append(paths, s.create(t, fmt.Sprintf("user%d@example.com", i)))
	}
	for i := range events {
		path := paths[rng.IntN(len(paths))]
		c := []step{suspendAda, reactivateAda, grantAdmin, revokeAdmin, renameAda, moveAda}[rng.IntN(6)]
		if i%25 == 24 {
			c = step{method: "DELETE"}
		}
		got := s.send(t, c.method, path+c.path, c.bodyFor(fmt.Sprintf("new%d@example.com", i)))
		if got.Status == 200 {
			times = append(times, got.json(t)["updatedAt"].(string))
		}
	}
	return paths, times
}

// everyPage follows a list to its end.
func (s *stack) everyPage(t *testing.T, target string) (all []any) {
	t.Helper()
	for {
		got := s.want(t, 200, "", "GET", target, "", "Prefer: wait=5")
		all = append(all, got.json(t)["data"].([]any)...)
		if got.json(t)["nextCursor"] == nil {
			return all
		}
		target = nextPage(t, got)
	}
}

// A list of the past is what reading each user at that moment says.
func TestListsAndReadsAgreeAboutThePast(t *testing.T) {
	s := boot(t)
	paths, times := busy(t, s, 12, 150)
	for i, at := range times {
		if i%10 != 0 {
			continue
		}
		before := mustTime(t, at).Add(-time.Microsecond).Format(time.RFC3339Nano)
		for _, moment := range []string{at, before} {
			var want []any
			for _, path := range paths {
				got := s.send(t, "GET", path+"?as_of="+moment, "")
				if got.Status == 200 {
					user := got.json(t)
					delete(user, "asOf")
					want = append(want, user)
				}
			}
			for _, limit := range []int{5, 200} {
				if diff := cmp.Diff(want, s.everyPage(t, fmt.Sprintf("/v1/users?as_of=%s&limit=%d", moment, limit))); diff != "" {
					t.Fatalf("as of %s, pages of %d (-reads +list):\n%s", moment, limit, diff)
				}
			}
		}
	}
}

// A list of the past is the same to the byte, however much is written meanwhile, and so are the pages that follow.
func TestPastListIsPinned(t *testing.T) {
	s := boot(t)
	_, times := busy(t, s, 12, 60)
	at := times[len(times)/2]
	var walked [2][]string
	for i := range walked {
		target := "/v1/users?limit=3&count=exact&sort=-updatedAt&as_of=" + at
		for target != "" {
			got := s.want(t, 200, "", "GET", target, "", "Prefer: wait=5")
			walked[i] = append(walked[i], string(got.Body))
			if target = ""; got.json(t)["nextCursor"] != nil {
				target = nextPage(t, got)
			}
			s.create(t, fmt.Sprintf("between%d.%d@example.com", i, len(walked[i])))
		}
	}
	if diff := cmp.Diff(walked[0], walked[1]); diff != "" || len(walked[0]) < 3 {
		t.Errorf("%d pages (-first +again):\n%s", len(walked[0]), diff)
	}
	first := s.want(t, 200, "", "GET", "/v1/users?limit=3&as_of="+at, "")
	next := nextPage(t, first)
	s.want(t, 200, "", "GET", next+"&as_of="+at, "")
	s.want(t, 400, "invalid_cursor", "GET", next+"&as_of="+times[0], "")
	s.want(t, 400, "invalid_cursor", "GET", next+"&at_position=3", "")
	s.want(t, 400, "invalid_cursor", "GET", nextPage(t, s.want(t, 200, "", "GET", "/v1/users?limit=3", ""))+"&as_of="+at, "")
}

func TestPastListSaysWhatItIs(t *testing.T) {
	s := boot(t)
	created := s.want(t, 201, "", "POST", "/v1/users", `{"email":"ada@example.com","displayName":"Ada"}`).json(t)
	s.create(t, "grace@example.com")
	at := created["createdAt"].(string)
	for _, q := range []string{"as_of=" + at, "at_position=1"} {
		got := s.want(t, 200, "", "GET", "/v1/users?"+q, "", "Prefer: wait=5")
		body := got.json(t)
		if body["asOf"] != at || body["position"] != 1.0 || !cmp.Equal(body["data"], []any{created}) {
			t.Errorf("%s: %s", q, got.Body)
		}
		want := map[string]string{
			"ETag": `W/"1"`, "Cache-Control": "private, max-age=86400", "Memento-Datetime": mustTime(t, at).Format(http.TimeFormat), "Preference-Applied": "wait=5",
		}
		for name, value := range want {
			if got.Header.Get(name) != value {
				t.Errorf("%s: %s is %q, want %q", q, name, got.Header.Get(name), value)
			}
		}
		s.want(t, 304, "", "GET", "/v1/users?"+q, "", `If-None-Match: W/"1"`)
	}
	one := s.want(t, 200, "", "GET", "/v1/users/"+created["id"].(string)+"?version=1", "")
	if link := one.Header.Get("Link"); !strings.Contains(link, created["id"].(string)+`/history>; rel="timemap"`) || one.Header.Get("Cache-Control") != "private, max-age=86400" {
		t.Errorf("a user of the past: %v", one.Header)
	}
}

func TestMomentsOfLists(t *testing.T) {
	s := boot(t)
	at := s.want(t, 201, "", "POST", "/v1/users", `{"email":"ada@example.com","displayName":"Ada"}`).json(t)["createdAt"].(string)
	created := mustTime(t, at)
	offset := created.In(time.FixedZone("", 2*60*60)).Format(time.RFC3339Nano)
	for q, want := range map[string]int{
		"at_position=0": 0, "as_of=0001-01-01T00:00:00Z": 0, "as_of=" + created.Add(-time.Microsecond).Format(time.RFC3339Nano): 0,
		"as_of=" + created.Add(999*time.Nanosecond).Format(time.RFC3339Nano): 1, "as_of=" + url.QueryEscape(offset): 1,
		"as_of=" + created.Add(-time.Nanosecond).Format(time.RFC3339Nano): 0, "at_position=1": 1, "as_of=" + at + "&email=ADA@example.com": 1,
		"as_of=" + at + "&status=deleted": 0, "as_of=" + at + "&q=ad": 1, "as_of=" + at + "&q=bob": 0, "at_position=0&q=ad&count=exact": 0,
	} {
		if got := s.want(t, 200, "", "GET", "/v1/users?"+q, "", "Prefer: wait=5"); len(names(t, got)) != want {
			t.Errorf("%s: %s", q, got.Body)
		}
	}
	s.want(t, 400, "as_of_in_future", "GET", "/v1/users?as_of="+time.Now().Add(time.Hour).UTC().Format(time.RFC3339Nano), "")
	for _, q := range []string{
		"as_of=2016-12-31T23:59:60Z", "as_of=" + offset, "as_of=", "as_of=yesterday", "at_position=2", "at_position=-1", "at_position=x",
		"as_of=" + at + "&at_position=1", "as_of=" + at + "&min_position=1", "version=1",
	} {
		s.want(t, 400, "invalid_parameter", "GET", "/v1/users?"+q, "")
	}
}

// What waits behind a failed event is missing from the past, too, and so nothing is promised.
func TestPastListWhileUsersAreParked(t *testing.T) {
	s := boot(t)
	ada := s.create(t, "ada@example.com")
	s.newer(t, ada, 1)
	last := s.want(t, 201, "", "POST", "/v1/users", `{"email":"grace@example.com","displayName":"Grace"}`).Header.Get("X-Event-Position")
	s.parked(t, 2)
	got := s.want(t, 200, "", "GET", "/v1/users?at_position="+last, "", "Prefer: wait=5")
	if got.Header.Get("X-Projection-Parked") != "1" || got.Header.Get("ETag") != "" || got.Header.Get("Cache-Control") == "private, max-age=86400" {
		t.Errorf("with a parked user: %v", got.Header)
	}
	got = s.want(t, 200, "", "GET", "/v1/users?at_position=1", "")
	if got.Header.Get("X-Projection-Parked") != "" || got.Header.Get("ETag") == "" {
		t.Errorf("before the failed event: %v", got.Header)
	}
}

// Users from before the table of versions have a past only after a rebuild, which the service begins by itself.
func TestPastIsMadeAfterAnUpgrade(t *testing.T) {
	s := boot(t)
	_, times := busy(t, s, 5, 40)
	target := "/v1/users?as_of=" + times[0]
	want := s.want(t, 200, "", "GET", target, "", "Prefer: wait=5")
	if _, err := s.pool.Exec(t.Context(), `TRUNCATE derived.user_versions; COMMENT ON TABLE derived.user_versions IS 'incomplete'`); err != nil {
		t.Fatal(err)
	}
	s.want(t, 503, "projection_lagging", "GET", target, "", "Prefer: wait=0")
	s.want(t, 200, "", "GET", "/v1/users", "")
	s.rebuilds.Complete(t.Context(), projections.Subscription)
	if got := s.want(t, 200, "", "GET", target, ""); !slices.Equal(got.Body, want.Body) {
		t.Errorf("after the rebuild: %s, want %s", got.Body, want.Body)
	}
}
