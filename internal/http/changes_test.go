package httpapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// lifelines are the histories of users, oldest entry first.
func (s *stack) lifelines(t *testing.T, paths []string) (all map[string][]map[string]any) {
	t.Helper()
	all = make(map[string][]map[string]any)
	for _, path := range paths {
		for _, e := range s.everyPage(t, path+"/history?order=asc&limit=200") {
			id := strings.TrimPrefix(path, "/v1/users/")
			all[id] = append(all[id], e.(map[string]any))
		}
	}
	return all
}

// differ tells from a history alone what differs between two positions: for each member the old value, the new one
// and the versions between that changed it. It is nil when nothing does.
func differ(history []map[string]any, from, to float64) (differs map[string]string) {
	before, after, by := map[string]any{"roles": []any{}}, map[string]any{}, map[string][]any{}
	for _, entry := range history {
		position := entry["position"].(float64)
		for _, c := range entry["changes"].([]any) {
			change := c.(map[string]any)
			field := change["field"].(string)
			switch {
			case position <= from:
				before[field] = change["to"]
			case position <= to:
				after[field] = change["to"]
				by[field] = append(by[field], entry["version"])
			}
		}
	}
	differs = map[string]string{}
	for field, value := range after {
		if !cmp.Equal(before[field], value) {
			differs[field] = fmt.Sprint(before[field], " > ", value, " by ", by[field])
		}
	}
	return differs
}

// changesOf reads all pages.
func (s *stack) changesOf(t *testing.T, query string) (ids []string, differs map[string]map[string]string) {
	t.Helper()
	differs = make(map[string]map[string]string)
	for _, u := range s.everyPage(t, "/v1/changes?"+query) {
		user := u.(map[string]any)
		id := user["id"].(string)
		ids, differs[id] = append(ids, id), map[string]string{}
		for _, c := range user["changes"].([]any) {
			m := c.(map[string]any)
			var by []any
			for _, e := range m["events"].([]any) {
				by = append(by, e.(map[string]any)["version"])
			}
			differs[id][m["field"].(string)] = fmt.Sprint(m["from"], " > ", m["to"], " by ", by)
		}
	}
	return ids, differs
}

func TestChanges(t *testing.T) {
	s := boot(t)
	paths, _ := busy(t, s, 12, 200)
	all := s.lifelines(t, paths)
	at, newest := map[float64]string{}, 0.0
	for _, entry := range slices.Concat(slices.Collect(maps.Values(all))...) {
		position := entry["position"].(float64)
		at[position], newest = entry["recordedAt"].(string), max(newest, position)
	}
	rng, found := rand.New(rand.NewPCG(3, 4)), 0
	for range 40 {
		from, to := float64(rng.IntN(int(newest)+1)), float64(rng.IntN(int(newest)+1))
		if from > to {
			from, to = to, from
		}
		fields := [][]string{nil, {"roles"}, {"status", "email"}, {"suspendedAt"}}[rng.IntN(4)]
		want, last := map[string]map[string]string{}, map[string]float64{}
		for id, history := range all {
			d := differ(history, from, to)
			maps.DeleteFunc(d, func(field, _ string) bool { return fields != nil && !slices.Contains(fields, field) })
			if len(d) > 0 {
				want[id] = d
			}
			for _, e := range history {
				if p := e["position"].(float64); p <= to {
					last[id] = p
				}
			}
		}
		query := fmt.Sprintf("from=position:%v&to=position:%v&limit=%d", from, to, 1+rng.IntN(20))
		if from > 0 && rng.IntN(2) == 0 {
			query = fmt.Sprintf("from=%s&to=%s&limit=%d", at[from], at[to], 1+rng.IntN(20))
		}
		if fields != nil {
			query += "&fields=" + strings.Join(fields, ",")
		}
		asc := rng.IntN(2) == 0
		if asc {
			query += "&order=asc"
		}
		ids, got := s.changesOf(t, query)
		if diff := cmp.Diff(want, got); diff != "" || len(ids) != len(got) {
			t.Errorf("%s: %d users (-histories +changes):\n%s", query, len(ids), diff)
		}
		if !slices.IsSortedFunc(ids, func(a, b string) int {
			if asc {
				return int(last[a] - last[b])
			}
			return int(last[b] - last[a])
		}) {
			t.Errorf("%s: not in the order of the newest events: %v", query, ids)
		}
		found += len(got)
	}
	if found < 50 {
		t.Errorf("only %d users differed in all", found)
	}
}

// However much is written meanwhile, the pages that follow are about the same two moments.
func TestChangesArePinned(t *testing.T) {
	s := boot(t)
	busy(t, s, 6, 30)
	var pages []string
	for target := "/v1/changes?from=position:3&limit=1"; target != ""; {
		got := s.want(t, 200, "", "GET", target, "", "Prefer: wait=5")
		pages = append(pages, fmt.Sprint(got.json(t)["to"]))
		if got.Header.Get("ETag") != "" {
			t.Error("an answer up to now is said to be final")
		}
		if target = ""; got.json(t)["nextCursor"] != nil {
			target = nextPage(t, got)
		}
		s.create(t, fmt.Sprintf("between%d@example.com", len(pages)))
	}
	if len(pages) < 3 || len(slices.Compact(pages)) != 1 {
		t.Errorf("the pages end at %v", pages)
	}
}

func TestChangesSayWhatTheyAre(t *testing.T) {
	s := boot(t)
	path := life(t, s)
	s.create(t, "ada@example.com") // the address is free again
	got := s.want(t, 200, "", "GET", "/v1/changes?from=position:0&to=position:7", "", "Prefer: wait=5")
	if h := got.Header; h.Get("ETag") != `W/"0-7"` || h.Get("Cache-Control") != "private, max-age=86400" || h.Get("Preference-Applied") != "wait=5" {
		t.Errorf("a final answer: %v", h)
	}
	user := got.json(t)["data"].([]any)[0].(map[string]any)
	if user["id"] != strings.TrimPrefix(path, "/v1/users/") || user["from"] != nil || user["eventCount"] != 7.0 {
		t.Errorf("created and deleted: %v", user)
	}
	s.want(t, 304, "", "GET", "/v1/changes?from=position:0&to=position:7", "", `If-None-Match: W/"0-7"`)
	for query, want := range map[string]int{
		"from=position:0": 2, "from=position:7": 1, "from=position:8": 0, "from=position:7&to=position:7": 0,
		"from=0001-01-01T00:00:00Z": 2, "from=position:2&to=position:3&fields=email": 0, "from=position:2&to=position:3&fields=email,roles": 1,
	} {
		if got := s.want(t, 200, "", "GET", "/v1/changes?"+query, "", "Prefer: wait=5"); len(got.json(t)["data"].([]any)) != want {
			t.Errorf("%s: %s, want %d users", query, got.Body, want)
		}
	}
}

func TestChangesRefused(t *testing.T) {
	s := boot(t)
	busy(t, s, 3, 10)
	later := url.QueryEscape(time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	for query, code := range map[string]string{
		"": "invalid_parameter", "to=position:1": "invalid_parameter", "from=": "invalid_parameter", "from=1": "invalid_parameter",
		"from=position:1&to=2": "invalid_parameter", "from=position:2&to=position:1": "invalid_parameter", "from=position:1&to=position:0": "invalid_parameter",
		"from=position:1000": "invalid_parameter", "from=position:1&fields=": "invalid_parameter", "from=position:1&fields=postCount": "invalid_parameter",
		"from=position:1&fields=roles,": "invalid_parameter", "from=position:1&order=up": "invalid_parameter", "from=position:1&limit=201": "invalid_parameter",
		"from=" + later: "as_of_in_future", "from=position:1&to=" + later: "as_of_in_future", "cursor=x": "invalid_cursor",
	} {
		s.want(t, 400, code, "GET", "/v1/changes?"+query, "")
	}
	next := nextPage(t, s.want(t, 200, "", "GET", "/v1/changes?from=position:0&limit=1", "", "Prefer: wait=5"))
	s.want(t, 200, "", "GET", next+"&from=position:0", "")
	for _, other := range []string{"&from=position:1", "&to=position:5", "&fields=roles", "&order=asc"} {
		s.want(t, 400, "invalid_cursor", "GET", next+other, "")
	}
}

// What one user does all the time is told from the newest of it, and all of it is counted.
func TestChangesOfABusyUser(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	for i := range 130 {
		s.want(t, 200, "", "PATCH", path, fmt.Sprintf(`{"displayName": "Ada %d"}`, i))
	}
	got := s.want(t, 200, "", "GET", "/v1/changes?from=position:1", "", "Prefer: wait=5")
	var answer struct {
		Data []struct {
			EventCount int
			Changes    []struct{ Events []struct{ Version int } }
		}
	}
	if err := json.Unmarshal(got.Body, &answer); err != nil {
		t.Fatal(err)
	}
	user := answer.Data[0]
	if events := user.Changes[0].Events; user.EventCount != 130 || len(events) != 100 || events[0].Version != 32 || events[99].Version != 131 {
		t.Errorf("%d events, %d named", user.EventCount, len(events))
	}
}
