package httpapi_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
)

func streamOf(id string) string { return domain.Origin{Source: "/tests", ID: id}.StreamID().String() }

// The stream of an event of another domain has an id that is nobody's, and can be nobody's.
func TestStreamOfAnEventIsNoUser(t *testing.T) {
	s := boot(t)
	ada := s.create(t, "ada@example.com")
	s.report(t, cloudEvent("post", "PostCreated", ada[len("/v1/users/"):]), single)
	id := streamOf("post")
	path := "/v1/users/" + id
	for _, query := range []string{"", "/history", "/events", "?version=1", "?at_position=2", "?as_of=" + s.timeOf(t, 2), "/diff?from=1&to=1"} {
		s.want(t, 404, "user_not_found", "GET", path+query, "")
	}
	s.want(t, 404, "user_not_found", "PATCH", path, `{"displayName":"Post"}`)
	s.want(t, 404, "user_not_found", "PATCH", path, `{"displayName":"Post"}`, `If-Match: "1.0"`)
	s.want(t, 404, "user_not_found", "DELETE", path, "")
	found := s.want(t, 200, "", "GET", "/v1/users?id="+id+","+ada[len("/v1/users/"):], "").json(t)["data"].([]any)
	if len(found) != 1 {
		t.Errorf("%d users in the list, want Ada alone", len(found))
	}
	body := `{"id":"` + id + `","email":"post@example.com","displayName":"Post"}`
	s.want(t, 409, "user_exists", "POST", dry("/v1/users"), body)
	s.want(t, 409, "user_exists", "POST", "/v1/users", body)
	s.want(t, 409, "user_exists", "POST", "/v1/users", body, "Idempotency-Key: "+uuid.NewString())
	s.settle(t)
	s.wantCounters(t, ada, 1, 0, `"1.2"`)
}

// Users are created with the ids that events to come should have, one even with the next: no event is taken for a
// duplicate that is none, nor kept twice.
func TestEventsEvadeUsers(t *testing.T) {
	s := boot(t)
	ada := s.create(t, "ada@example.com")
	id := ada[len("/v1/users/"):]
	for i, taken := range []string{streamOf("1"), streamOf("3"), domain.NextStreamID(uuid.MustParse(streamOf("3"))).String()} {
		s.want(t, 201, "", "POST", "/v1/users", fmt.Sprintf(`{"id":"%s","email":"%d@example.com","displayName":"In the way"}`, taken, i))
	}
	var events []any
	for _, n := range []string{"0", "1", "1", "2", "3", "4", "0"} {
		events = append(events, cloudEvent(n, "PostCreated", id))
	}
	said := func() (statuses []string) {
		for _, v := range s.report(t, events, batch) {
			statuses = append(statuses, v.status)
		}
		return statuses
	}
	want := []string{"accepted", "accepted", "duplicate", "accepted", "accepted", "accepted", "duplicate"}
	if diff := cmp.Diff(want, said()); diff != "" {
		t.Errorf("-want +got: %s", diff)
	}
	if diff := cmp.Diff(slices.Repeat([]string{"duplicate"}, len(events)), said()); diff != "" {
		t.Errorf("sent again, -want +got: %s", diff)
	}
	s.settle(t)
	if posts := s.want(t, 200, "", "GET", ada, "").json(t)["postCount"]; posts != 5.0 {
		t.Errorf("%v posts are counted, want 5", posts)
	}
}

func TestEventThatEvadesAUserFromFiveClientsAtOnce(t *testing.T) {
	s := boot(t)
	s.want(t, 201, "", "POST", "/v1/users", `{"id":"`+streamOf("1")+`","email":"ada@example.com","displayName":"In the way"}`)
	event := cloudEvent("1", "PostCreated", uuid.NewString())
	answers := make([]string, 5)
	var clients sync.WaitGroup
	for c := range answers {
		clients.Go(func() { answers[c] = s.report(t, event, single)[0].status })
	}
	clients.Wait()
	said := map[string]int{}
	for _, a := range answers {
		said[a]++
	}
	if said["accepted"] != 1 || said["duplicate"] != 4 {
		t.Errorf("the answers: %v", said)
	}
}
