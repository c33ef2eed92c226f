package httpapi_test

import (
	"testing"

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
