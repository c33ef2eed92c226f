package httpapi_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// life gives a user a history of seven events.
func life(t *testing.T, s *stack) (path string) {
	t.Helper()
	path = s.create(t, "ada@example.com")
	for _, c := range []step{moveAda, grantAdmin, suspendAda, reactivateAda, revokeAdmin} {
		s.want(t, 200, "", c.method, path+c.path, c.bodyFor("ada@example.com"))
	}
	s.want(t, 200, "", "DELETE", path+"?reason=asked%20for", "", "X-Actor: grace", "X-Causation-Id: 0193a0b0-0000-7000-8000-000000000001")
	return path
}

func TestHistory(t *testing.T) {
	s := boot(t)
	path := life(t, s)
	entries := s.want(t, 200, "", "GET", path+"/history?order=asc", "").json(t)["data"].([]any)
	type change = map[string]any
	at := func(i int) any { return entries[i].(map[string]any)["recordedAt"] }
	for i, want := range [][]any{
		{change{"field": "email", "from": nil, "to": "ada@example.com"}, change{"field": "displayName", "from": nil, "to": "Ada Lovelace"},
			change{"field": "firstName", "from": nil, "to": ""}, change{"field": "lastName", "from": nil, "to": ""}, change{"field": "status", "from": nil, "to": "active"}},
		{change{"field": "email", "from": "ada@example.com", "to": "new-ada@example.com"}},
		{change{"field": "roles", "from": []any{}, "to": []any{"admin"}}},
		{change{"field": "status", "from": "active", "to": "suspended"}, change{"field": "suspendedAt", "from": nil, "to": at(3)}, change{"field": "suspensionReason", "from": nil, "to": "Spam"}},
		{change{"field": "status", "from": "suspended", "to": "active"}, change{"field": "suspendedAt", "from": at(3), "to": nil}, change{"field": "suspensionReason", "from": "Spam", "to": nil}},
		{change{"field": "roles", "from": []any{"admin"}, "to": []any{}}},
		{change{"field": "status", "from": "active", "to": "deleted"}},
	} {
		if diff := cmp.Diff(want, entries[i].(map[string]any)["changes"]); diff != "" {
			t.Errorf("version %d (-want +got):\n%s", i+1, diff)
		}
	}
	last := entries[6].(map[string]any)
	for member, want := range map[string]any{"version": 7.0, "position": 7.0, "type": "UserDeleted", "actor": "grace", "source": "api",
		"reason": "asked for", "causationId": "0193a0b0-0000-7000-8000-000000000001"} {
		if last[member] != want {
			t.Errorf("%s is %v, want %v", member, last[member], want)
		}
	}
	if entries[0].(map[string]any)["reason"] != nil || entries[3].(map[string]any)["reason"] != "Spam" {
		t.Error("reasons are wrong")
	}
}

func TestHistoryPages(t *testing.T) {
	s := boot(t)
	path := life(t, s)
	for order, want := range map[string][]float64{"": {7, 6, 5, 4, 3, 2, 1}, "desc": {7, 6, 5, 4, 3, 2, 1}, "asc": {1, 2, 3, 4, 5, 6, 7}} {
		for limit := 1; limit <= 8; limit++ {
			next := fmt.Sprintf("%s/history?limit=%d", path, limit)
			if order != "" {
				next += "&order=" + order
			}
			if diff := cmp.Diff(want, s.walk(t, next, limit)); diff != "" {
				t.Errorf("%s by %d (-want +got):\n%s", order, limit, diff)
			}
		}
	}
}

// walk collects the versions on all pages.
func (s *stack) walk(t *testing.T, next string, limit int) (versions []float64) {
	t.Helper()
	for next != "" {
		page := s.want(t, 200, "", "GET", next, "")
		data := page.json(t)["data"].([]any)
		for _, e := range data {
			versions = append(versions, e.(map[string]any)["version"].(float64))
		}
		if next = nextPage(t, page); len(data) > limit || next != "" && len(data) < limit {
			t.Errorf("%d entries on a page of %d", len(data), limit)
		}
	}
	return versions
}

func TestHistoryCursorBelongsToItsUser(t *testing.T) {
	s := boot(t)
	ada, grace := life(t, s), s.create(t, "grace@example.com")
	s.create(t, "edsger@example.com")
	cursor := s.want(t, 200, "", "GET", ada+"/history?limit=2", "").json(t)["nextCursor"].(string)
	s.want(t, 200, "", "GET", ada+"/history?order=desc&limit=1&cursor="+cursor, "")
	s.want(t, 400, "invalid_cursor", "GET", ada+"/history?order=asc&cursor="+cursor, "")
	s.want(t, 400, "invalid_cursor", "GET", grace+"/history?cursor="+cursor, "")
	s.want(t, 400, "invalid_cursor", "GET", "/v1/users?cursor="+cursor, "")
	s.want(t, 400, "invalid_cursor", "GET", ada+"/events?cursor="+cursor, "")
	list := s.caughtUp(t, "/v1/users?limit=1&min_position=9").json(t)["nextCursor"].(string)
	s.want(t, 400, "invalid_cursor", "GET", ada+"/history?cursor="+list, "")
}

func TestEvents(t *testing.T) {
	s := boot(t)
	path := life(t, s)
	events := s.want(t, 200, "", "GET", path+"/events", "").json(t)["data"].([]any)
	for i, want := range []map[string]any{
		{"email": "ada@example.com", "displayName": "Ada Lovelace", "firstName": "", "lastName": ""},
		{"newEmail": "new-ada@example.com"}, {"role": "admin"}, {"reason": "Spam"}, {}, {"role": "admin"}, {"reason": "asked for"},
	} {
		if diff := cmp.Diff(want, events[i].(map[string]any)["data"]); diff != "" {
			t.Errorf("version %d (-want +got):\n%s", i+1, diff)
		}
	}
	for limit := 1; limit <= 8; limit++ {
		if diff := cmp.Diff([]float64{3, 4, 5, 6, 7}, s.walk(t, fmt.Sprintf("%s/events?after_version=2&limit=%d", path, limit), limit)); diff != "" {
			t.Errorf("by %d (-want +got):\n%s", limit, diff)
		}
	}
	next := s.want(t, 200, "", "GET", path+"/events?after_version=2&limit=2", "").json(t)["nextCursor"].(string)
	for _, filter := range []string{"after_version=2&", "after_version=4&", ""} {
		if versions := s.walk(t, path+"/events?"+filter+"limit=2&cursor="+next, 2); !slices.Equal(versions, []float64{5, 6, 7}) {
			t.Errorf("the second page, with %q sent along: %v", filter, versions)
		}
	}
	s.want(t, 400, "invalid_cursor", "GET", path+"/events?after_version=5&cursor="+next, "")
	for _, q := range []string{"after_version=7", "after_version=2147483647", "cursor=7", "cursor=7&after_version=7"} {
		if got := s.want(t, 200, "", "GET", path+"/events?"+q, "").json(t); len(got["data"].([]any)) > 0 || got["nextCursor"] != nil {
			t.Errorf("%s: %v", q, got)
		}
	}
}

func TestHistoryRefuses(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	for _, q := range []string{"limit=0", "limit=201", "limit=x", "limit=%00", "order=", "order=up", "order=ASC", "order=%ff", "after=1", "as_of=2020-01-01T00:00:00Z", "limit=1&limit=1"} {
		s.want(t, 400, "invalid_parameter", "GET", path+"/history?"+q, "")
	}
	for _, q := range []string{"limit=0", "limit=201", "after_version=-1", "after_version=x", "after_version=2147483648", "after_version=9223372036854775808", "after_version=", "after_version=%00", "order=asc"} {
		s.want(t, 400, "invalid_parameter", "GET", path+"/events?"+q, "")
	}
	for _, cursor := range []string{"", "x", "-1", "9223372036854775808", "AAAA"} {
		s.want(t, 400, "invalid_cursor", "GET", path+"/history?cursor="+cursor, "")
		s.want(t, 400, "invalid_cursor", "GET", path+"/events?cursor="+cursor, "")
	}
	s.want(t, 400, "invalid_cursor", "GET", path+"/events?cursor=1&after_version=2", "")
	nobody := "/v1/users/" + uuid.NewString()
	s.want(t, 404, "user_not_found", "GET", nobody+"/history", "")
	s.want(t, 404, "user_not_found", "GET", nobody+"/events", "")
}
