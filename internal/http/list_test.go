package httpapi_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// people is a service with users to choose from, all of them in the projection. It returns the position
// that they reach.
func people(t *testing.T) (*stack, string) {
	t.Helper()
	s := boot(t)
	for i, name := range []string{"Ada Lovelace", "Grace Hopper", "Zoë Adams", "adele", "Ünal Ada"} {
		body := fmt.Sprintf(`{"email":"user%d@example.com","displayName":"%s"}`, (i*3)%5, name)
		path := s.want(t, 201, "", "POST", "/v1/users", body).Header.Get("Location")
		switch i {
		case 0:
			s.want(t, 200, "", "PUT", path+"/roles/admin", "")
		case 1:
			s.want(t, 200, "", "PUT", path+"/roles/admin", "")
			s.want(t, 200, "", "POST", path+"/suspend", `{"reason":"Spam"}`)
		case 3:
			s.want(t, 200, "", "DELETE", path, "")
		}
	}
	last := s.want(t, 201, "", "POST", "/v1/users", `{"email":"last@example.org","displayName":"Last"}`)
	position := last.Header.Get("X-Event-Position")
	s.caughtUp(t, "/v1/users?min_position="+position)
	return s, position
}

// names lists who is on a page.
func names(t *testing.T, a answer) []string {
	t.Helper()
	found := []string{}
	for _, u := range a.json(t)["data"].([]any) {
		found = append(found, u.(map[string]any)["displayName"].(string))
	}
	return found
}

func TestListFiltersAndSorts(t *testing.T) {
	s, _ := people(t)
	all := s.want(t, 200, "", "GET", "/v1/users", "").json(t)["data"].([]any)
	ids := make([]string, len(all))
	created := make([]string, len(all))
	for i, u := range all {
		ids[i], created[i] = u.(map[string]any)["id"].(string), u.(map[string]any)["createdAt"].(string)
	}
	for q, want := range map[string][]string{
		"":                                      {"Ada Lovelace", "Grace Hopper", "Zoë Adams", "Ünal Ada", "Last"},
		"sort=-createdAt":                       {"Last", "Ünal Ada", "Zoë Adams", "Grace Hopper", "Ada Lovelace"},
		"sort=email":                            {"Last", "Ada Lovelace", "Zoë Adams", "Ünal Ada", "Grace Hopper"},
		"sort=-email":                           {"Grace Hopper", "Ünal Ada", "Zoë Adams", "Ada Lovelace", "Last"},
		"sort=displayName":                      {"Ada Lovelace", "Grace Hopper", "Last", "Zoë Adams", "Ünal Ada"},
		"sort=-displayName":                     {"Ünal Ada", "Zoë Adams", "Last", "Grace Hopper", "Ada Lovelace"},
		"sort=updatedAt":                        {"Ada Lovelace", "Grace Hopper", "Zoë Adams", "Ünal Ada", "Last"},
		"status=active":                         {"Ada Lovelace", "Zoë Adams", "Ünal Ada", "Last"},
		"status=suspended":                      {"Grace Hopper"},
		"status=deleted":                        {"adele"},
		"role=admin":                            {"Ada Lovelace", "Grace Hopper"},
		"role=admin&status=active":              {"Ada Lovelace"},
		"role=nobody":                           {},
		"q=ada":                                 {"Ada Lovelace", "Zoë Adams", "Ünal Ada"},
		"q=ada+love":                            {"Ada Lovelace"},
		"q=LOVE":                                {"Ada Lovelace"},
		"q=zoe":                                 {"Zoë Adams"},
		"q=last@example.org":                    {"Last"},
		"q=user":                                {"Ada Lovelace", "Grace Hopper", "Zoë Adams", "Ünal Ada"},
		"q=%27%20%26%20%7C%20!%20%5C%20%3A%2A":  nil, // an answer, whatever it is
		"created_after=" + created[3]:           {"Last"},
		"created_before=" + created[1]:          {"Ada Lovelace"},
		"created_before=0001-01-01T00:00:00Z":   {},
		"created_after=0001-01-01T00:00:00Z":    {"Ada Lovelace", "Grace Hopper", "Zoë Adams", "Ünal Ada", "Last"},
		"email=USER0@Example.com":               {"Ada Lovelace"},
		"email=nobody@example.com":              {},
		"email=user3@example.com&role=admin":    {"Grace Hopper"},
		"email=user0@example.com&status=active": {"Ada Lovelace"},
		"id=" + ids[4] + "," + strings.ToUpper(ids[0]):          {"Ada Lovelace", "Last"},
		"id=" + ids[4] + "," + ids[0] + "&sort=-createdAt":      {"Last", "Ada Lovelace"},
		"id=" + ids[4] + "," + ids[0] + "&role=admin":           {"Ada Lovelace"},
		"id=" + ids[4] + "," + uuid.NewString() + "," + ids[4]:  {"Last"},
		"created_after=" + created[0] + "&sort=email&limit=2":   {"Last", "Zoë Adams"},
		"q=ada&sort=-displayName&status=active&role=admin&q2=1": nil,
	} {
		t.Run(q, func(t *testing.T) {
			if strings.Contains(q, "q2") {
				s.want(t, 400, "invalid_parameter", "GET", "/v1/users?"+q, "")
				return
			}
			got := s.want(t, 200, "", "GET", "/v1/users?"+q, "")
			if diff := cmp.Diff(want, names(t, got)); diff != "" && want != nil {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Every way to sort, walked page by page, gives everyone once and in order.
func TestListWalk(t *testing.T) {
	s, _ := people(t)
	for _, sort := range []string{"createdAt", "-createdAt", "email", "-email", "displayName", "-displayName", "updatedAt", "-updatedAt"} {
		want := names(t, s.want(t, 200, "", "GET", "/v1/users?sort="+sort, ""))
		for limit := 1; limit <= 3; limit++ {
			var got []string
			pages := 0
			for next := fmt.Sprintf("/v1/users?sort=%s&limit=%d", sort, limit); next != ""; pages++ {
				page := s.want(t, 200, "", "GET", next, "")
				got = append(got, names(t, page)...)
				next = nextPage(t, page)
			}
			if diff := cmp.Diff(want, got); diff != "" || pages != (len(want)+limit-1)/limit {
				t.Errorf("%s by %d in %d pages (-want +got):\n%s", sort, limit, pages, diff)
			}
		}
	}
}

// nextPage returns where Link leads, which must be where nextCursor leads.
func nextPage(t *testing.T, a answer) string {
	t.Helper()
	link := strings.TrimSuffix(strings.TrimPrefix(a.Header.Get("Link"), "<"), `>; rel="next"`)
	cursor, more := a.json(t)["nextCursor"].(string)
	if more != (link != "") || more && !strings.HasSuffix(link, "="+cursor) {
		t.Errorf("nextCursor is %q, Link %q", cursor, link)
	}
	return link
}

func TestListCursor(t *testing.T) {
	s, _ := people(t)
	const filters = "status=active&q=ada&sort=-displayName&created_after=2020-01-01T00:00:00Z"
	first := s.want(t, 200, "", "GET", "/v1/users?limit=1&count=exact&"+filters, "")
	if first.json(t)["total"] != 3.0 {
		t.Errorf("total is %v", first.json(t)["total"])
	}
	cursor := first.json(t)["nextCursor"].(string)
	if strings.Contains(first.Header.Get("Link"), "q=") { // the cursor itself may have any letters
		t.Error("Link tells what was searched for")
	}
	for q, want := range map[string][]string{
		"":                         {"Zoë Adams"},
		"&limit=200":               {"Zoë Adams", "Ada Lovelace"},
		"&status=active":           {"Zoë Adams"},
		"&sort=-displayName&q=ada": {"Zoë Adams"},
		"&" + filters:              {"Zoë Adams"},
		"&limit=2&count=exact":     {"Zoë Adams", "Ada Lovelace"},
		"&created_after=2020-01-01T01:00:00%2B01:00": {"Zoë Adams"},
	} {
		if diff := cmp.Diff(want, names(t, s.want(t, 200, "", "GET", "/v1/users?cursor="+cursor+q, ""))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", q, diff)
		}
	}
	for _, q := range []string{"&status=suspended", "&sort=displayName", "&q=love", "&role=admin", "&email=user0@example.com", "&id=" + uuid.NewString(), "&created_before=2020-01-01T00:00:00Z"} {
		s.want(t, 400, "invalid_cursor", "GET", "/v1/users?cursor="+cursor+q, "")
	}
	for _, bad := range []string{"", "x", cursor[:len(cursor)-2], cursor + "AA", "-1", "9223372036854775808", "%0A" + cursor, strings.Repeat("A", 5000)} {
		s.want(t, 400, "invalid_cursor", "GET", "/v1/users?cursor="+bad, "")
	}
	s.want(t, 400, "invalid_parameter", "GET", "/v1/users?cursor="+cursor+"&cursor="+cursor, "")
	s.want(t, 400, "invalid_parameter", "GET", "/v1/users?cursor=%00", "")
}

// A page begins behind the last row of the page before, whatever happens in between.
func TestListWalkWhileUsersChange(t *testing.T) {
	s, _ := people(t)
	first := s.want(t, 200, "", "GET", "/v1/users?limit=2", "")
	ada := first.json(t)["data"].([]any)[1].(map[string]any)["id"].(string)
	s.want(t, 200, "", "DELETE", "/v1/users/"+ada, "")
	position := s.want(t, 201, "", "POST", "/v1/users", `{"email":"new@example.com","displayName":"New"}`).Header.Get("X-Event-Position")
	rest := s.caughtUp(t, nextPage(t, first)+"&limit=200&min_position="+position)
	if diff := cmp.Diff([]string{"Zoë Adams", "Ünal Ada", "Last", "New"}, names(t, rest)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestListRefuses(t *testing.T) {
	s := boot(t)
	many := slices.Repeat([]string{uuid.NewString()}, 201)
	s.want(t, 200, "", "GET", "/v1/users?id="+strings.Join(many[:200], ","), "")
	for _, q := range []string{
		"limit=0", "limit=201", "limit=-1", "limit=", "limit=x", "limit=1e1", "limit=9223372036854775808", "limit=1&limit=1",
		"sort=", "sort=name", "sort=+email", "sort=--email", "sort=email,id", "status=", "status=Active", "status=gone", "status=active,deleted",
		"role=", "role=Admin", "role=a%20b", "email=", "email=ada", "email=ada%40localhost", "id=", "id=1", "id=,", "id=" + strings.Join(many, ","), "id=" + many[0] + ",",
		"q=", "q=%20", "q=%07", "q=" + strings.Repeat("x", 201), "count=", "count=true", "min_position=-1", "min_position=x", "min_position=9223372036854775808",
		"created_after=yesterday", "created_before=infinity", "created_after=2026-11-22T10:00:00+01:00", "created_after=", "x=1", "Q=ada", "page=2", "offset=1",
		"role=%00", "q=%00", "q=%ff", "email=%00", "email=%ff", "status=%00", "id=%00", "sort=%00", "limit=%00", "cursor=%ff", "created_after=%00", "%00=1", "q=%zz", "q=a;limit=1",
	} {
		s.want(t, 400, "invalid_parameter", "GET", "/v1/users?"+q, "")
	}
}

func TestListSaysHowCurrentItIs(t *testing.T) {
	s, position := people(t)
	if got := s.want(t, 200, "", "GET", "/v1/users", "").Header.Get("X-Projection-Position"); got != position {
		t.Errorf("X-Projection-Position is %s, want %s", got, position)
	}
	s.stopRelay()
	path := s.create(t, "late@example.com")
	next := s.want(t, 200, "", "PUT", path+"/roles/admin", "").Header.Get("X-Event-Position")
	got := s.want(t, 503, "projection_lagging", "GET", "/v1/users?min_position="+next, "", "Prefer: wait=0")
	if got.Header.Get("Retry-After") == "" {
		t.Error("Retry-After is missing")
	}
	s.want(t, 503, "projection_lagging", "GET", "/v1/users?min_position=9223372036854775807", "", "Prefer: wait=0")
	s.want(t, 200, "", "GET", "/v1/users?min_position="+position, "", "Prefer: wait=0")
	s.want(t, 200, "", "GET", "/v1/users?min_position=0", "")
	// By address or id alone a list is as current as a read.
	id := strings.TrimPrefix(path, "/v1/users/")
	for _, q := range []string{"email=late@example.com", "id=" + id, "email=late@example.com&min_position=" + next} {
		found := s.want(t, 200, "", "GET", "/v1/users?"+q, "").json(t)["data"].([]any)
		if len(found) != 1 || !cmp.Equal(found[0].(map[string]any)["roles"], []any{"admin"}) {
			t.Errorf("%s: %v", q, found)
		}
	}
}

func TestListWaitsForThePosition(t *testing.T) {
	s := boot(t)
	for i := range 50 {
		position := s.want(t, 201, "", "POST", "/v1/users", fmt.Sprintf(`{"email":"user%d@example.com","displayName":"User %d"}`, i, i)).Header.Get("X-Event-Position")
		got := s.caughtUp(t, "/v1/users?sort=-createdAt&limit=1&min_position="+position)
		if diff := cmp.Diff([]string{fmt.Sprintf("User %d", i)}, names(t, got)); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
		if got.Header.Get("Preference-Applied") != "wait=5" {
			t.Errorf("Preference-Applied is %q", got.Header.Get("Preference-Applied"))
		}
	}
}

func TestListTotal(t *testing.T) {
	s, _ := people(t)
	for q, want := range map[string]any{"": nil, "count=exact": 5.0, "count=exact&limit=1": 5.0, "count=exact&status=deleted": 1.0, "count=exact&role=nobody": 0.0,
		"count=exact&email=" + url.QueryEscape("user0@example.com"): 1.0} {
		if got := s.want(t, 200, "", "GET", "/v1/users?"+q, "").json(t)["total"]; got != want {
			t.Errorf("%s: total is %v, want %v", q, got, want)
		}
	}
}
