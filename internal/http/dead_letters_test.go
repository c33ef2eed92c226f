package httpapi_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/eventstore"
)

// newer appends an event of a user that only a newer build knows, and one that every build knows.
func (s *stack) newer(t *testing.T, path string, version int) {
	t.Helper()
	log := eventstore.Open(s.pool)
	defer log.Close(context.WithoutCancel(t.Context()))
	id := uuid.MustParse(strings.TrimPrefix(path, "/v1/users/"))
	_, err := log.Append(t.Context(), eventstore.Command{StreamType: "user", StreamID: id, ExpectedVersion: version, Events: []eventstore.Event{
		{ID: uuid.Must(uuid.NewV7()), Type: "UserMoved", SchemaVersion: 1, Data: []byte(`{"to":"ada@elsewhere.example"}`)},
		{ID: uuid.Must(uuid.NewV7()), Type: "RoleGranted", SchemaVersion: 1, Data: []byte(`{"role":"admin"}`)},
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// parked waits until a user's events are put aside, and returns them.
func (s *stack) parked(t *testing.T, n int) (ids []string) {
	t.Helper()
	for len(ids) < n {
		ids = nil
		for _, d := range s.want(t, 200, "", "GET", "/v1/dead-letters", "").json(t)["data"].([]any) {
			ids = append(ids, d.(map[string]any)["id"].(string))
		}
		if t.Context().Err() != nil {
			t.Fatal("nothing was put aside")
		}
	}
	return ids
}

func TestDeadLetters(t *testing.T) {
	s := boot(t)
	ada, grace := s.create(t, "ada@example.com"), s.create(t, "grace@example.com")
	s.newer(t, ada, 1)
	last := s.want(t, 200, "", "PUT", grace+"/roles/admin", "").Header.Get("X-Event-Position")
	ids := s.parked(t, 2)

	list := s.caughtUp(t, "/v1/users?min_position="+last)
	if got := list.Header.Get("X-Projection-Parked"); got != "1" {
		t.Errorf("X-Projection-Parked is %q", got)
	}
	if status := s.want(t, 200, "", "GET", "/v1/projections/user_profiles", "").json(t); status["parked"] != 1.0 || status["status"] != "live" {
		t.Errorf("status: %v", status)
	}
	s.want(t, 503, "unavailable", "GET", ada, "")
	s.want(t, 503, "unavailable", "PUT", ada+"/roles/editor", "")

	page := s.want(t, 200, "", "GET", "/v1/dead-letters?limit=1&projection=user_profiles", "")
	first := page.json(t)["data"].([]any)[0].(map[string]any)
	if first["id"] != ids[0] || first["type"] != "UserMoved" || !strings.Contains(first["error"].(string), "not known") || strings.Contains(string(page.Body), "elsewhere") {
		t.Errorf("the first: %v", first)
	}
	second := s.want(t, 200, "", "GET", nextPage(t, page), "").json(t)
	if d := second["data"].([]any); len(d) != 1 || d[0].(map[string]any)["state"] != "waiting" || second["nextCursor"] != nil {
		t.Errorf("the second page: %v", second)
	}

	if got := s.want(t, 200, "", "POST", "/v1/dead-letters/"+ids[1]+"/retry", "{}").json(t)["parked"]; got != 2.0 {
		t.Errorf("%v are parked after a retry", got)
	}
	if got := s.want(t, 202, "", "POST", "/v1/dead-letters/retry", "").json(t)["users"]; got != 1.0 {
		t.Errorf("%v users are tried again", got)
	}
	s.want(t, 409, "not_first_in_queue", "POST", "/v1/dead-letters/"+ids[1]+"/skip", `{"reason":"Impatience"}`)
	if got := s.want(t, 200, "", "POST", "/v1/dead-letters/"+ids[0]+"/skip", `{"reason":"Never mind"}`, "X-Actor: grace").json(t)["parked"]; got != 0.0 {
		t.Errorf("%v are parked after the first was given up", got)
	}
	skipped := s.want(t, 200, "", "GET", "/v1/dead-letters?state=skipped", "").json(t)["data"].([]any)[0].(map[string]any)
	if skipped["skippedBy"] != "grace" || skipped["skipReason"] != "Never mind" {
		t.Errorf("on record: %v", skipped)
	}
	// The row has moved on, so the user can be read; what was given up is still in the log.
	if got := s.want(t, 200, "", "GET", ada, "").json(t); got["version"] != 3.0 || fmt.Sprint(got["roles"]) != "[admin]" {
		t.Errorf("after the skip: %v", got)
	}
	if got := s.want(t, 200, "", "GET", "/v1/users", "").Header.Get("X-Projection-Parked"); got != "" {
		t.Errorf("X-Projection-Parked is still %q", got)
	}
}

func TestDeadLettersRefuse(t *testing.T) {
	s := boot(t)
	nobody := "/v1/dead-letters/" + uuid.NewString()
	s.want(t, 404, "projection_not_found", "GET", "/v1/dead-letters?projection=nothing", "")
	s.want(t, 400, "invalid_parameter", "GET", "/v1/dead-letters?state=alive", "")
	s.want(t, 400, "invalid_cursor", "GET", "/v1/dead-letters?cursor=x", "")
	s.want(t, 404, "dead_letter_not_found", "POST", nobody+"/retry", "")
	s.want(t, 404, "dead_letter_not_found", "POST", nobody+"/skip", `{"reason":"x"}`)
	s.want(t, 422, "validation_failed", "POST", nobody+"/skip", `{"reason":" "}`)
	s.want(t, 400, "malformed_request", "POST", nobody+"/skip", `{"reason":1}`)
	s.want(t, 415, "unsupported_media_type", "POST", nobody+"/skip", "reason", "Content-Type: text/plain")
	s.want(t, 400, "invalid_parameter", "POST", "/v1/dead-letters/1/retry", "")
	s.want(t, 400, "malformed_request", "POST", "/v1/dead-letters/retry", `{"a":1}`)
}
