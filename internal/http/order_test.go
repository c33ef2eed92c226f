package httpapi_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
)

// A request with several things wrong is told the first of them, in the order of the contract. Each row
// puts one thing right, from the top.
func TestOrderOfChecks(t *testing.T) {
	s := boot(t)
	ada, grace := s.create(t, "ada@example.com"), s.create(t, "grace@example.com")
	s.want(t, 200, "", "POST", grace+"/suspend", `{"reason":"Spam"}`)
	s.want(t, 200, "", "PUT", ada+"/roles/admin", "", "Idempotency-Key: used")
	gone := s.create(t, "gone@example.com")
	s.want(t, 200, "", "DELETE", gone, "")
	nobody := "/v1/users/" + uuid.NewString()
	tooLarge, stale := strings.Repeat("x", 70_000), `If-Match: "7.0"`
	for _, row := range []struct {
		status         int
		code           string
		method, target string
		body           string
		headers        []string
	}{
		{404, "route_not_found", "BREW", "/v2/users?x=1", tooLarge, nil},
		{405, "method_not_allowed", "BREW", "/v1/users/1/email?x=1", tooLarge, nil},
		{405, "method_not_allowed", "GET", "/v1/users/1/email?x=1", "", nil},
		{400, "invalid_parameter", "PUT", "/v1/users/1/email?x=1", tooLarge, []string{"Content-Type: text/plain"}},
		{400, "invalid_parameter", "PUT", nobody + "/email?x=1", tooLarge, []string{"Content-Type: text/plain"}},
		{400, "invalid_parameter", "PUT", nobody + "/email", tooLarge, []string{"Content-Type: text/plain", "If-Match: 7"}},
		{400, "invalid_parameter", "PUT", nobody + "/email", tooLarge, []string{"Content-Type: text/plain", "Idempotency-Key: a b"}},
		{400, "invalid_parameter", "PUT", nobody + "/email", tooLarge, []string{"Content-Type: text/plain", "X-Actor: a b"}},
		{400, "invalid_parameter", "PUT", nobody + "/email", tooLarge, []string{"Content-Type: text/plain", "X-Correlation-Id: 1"}},
		{400, "invalid_parameter", "PUT", nobody + "/email", tooLarge, []string{"Content-Type: text/plain", "X-Causation-Id: 1"}},
		{415, "unsupported_media_type", "PUT", nobody + "/email", tooLarge, []string{"Content-Type: text/plain"}},
		{413, "body_too_large", "PUT", nobody + "/email", tooLarge, nil},
		{400, "malformed_request", "PUT", nobody + "/email", `{"email":1}`, []string{"Idempotency-Key: used"}},
		{422, "validation_failed", "PUT", nobody + "/email", `{"email":"x"}`, []string{"Idempotency-Key: used"}},
		{422, "idempotency_key_reused", "PUT", nobody + "/email", `{"email":"x@example.com"}`, []string{"Idempotency-Key: used", stale}},
		{404, "user_not_found", "PUT", nobody + "/email", `{"email":"ada@example.com"}`, []string{stale}},
		{410, "user_deleted", "PUT", gone + "/email", `{"email":"ada@example.com"}`, []string{stale}},
		{412, "precondition_failed", "PUT", grace + "/email", `{"email":"ada@example.com"}`, []string{stale}},
		{409, "user_suspended", "PUT", grace + "/email", `{"email":"ada@example.com"}`, nil},
		{400, "invalid_parameter", "POST", nobody + "/restore?dry_run=yes", tooLarge, []string{"Content-Type: text/plain"}},
		{422, "validation_failed", "POST", nobody + "/restore", `{"version":0,"fields":["email"],"reason":"x"}`, []string{"Idempotency-Key: used"}},
		{422, "idempotency_key_reused", "POST", nobody + "/restore", `{"version":9,"fields":["email"],"reason":"x"}`, []string{"Idempotency-Key: used", stale}},
		{404, "user_not_found", "POST", nobody + "/restore", `{"version":9,"fields":["email"],"reason":"x"}`, []string{stale}},
		{410, "user_deleted", "POST", gone + "/restore", `{"version":9,"fields":["email"],"reason":"x"}`, []string{stale}},
		{412, "precondition_failed", "POST", grace + "/restore", `{"version":9,"fields":["email"],"reason":"x"}`, []string{stale}},
		{422, "validation_failed", "POST", grace + "/restore", `{"version":9,"fields":["email"],"reason":"x"}`, nil},
		{409, "user_suspended", "POST", grace + "/restore", `{"version":1,"fields":["email"],"reason":"x"}`, nil},
		{400, "malformed_request", "PUT", ada + "/roles/Admin", `{}`, nil},
		{422, "validation_failed", "PUT", nobody + "/roles/Admin", "", []string{stale}},
		{400, "invalid_parameter", "POST", "/v1/users", tooLarge, []string{"Content-Type: text/plain", "If-Match: *"}},
		{400, "invalid_parameter", "DELETE", nobody + "?reason=x&reason=y", "{}", nil},
		{400, "malformed_request", "DELETE", nobody + "?reason=", "{}", nil},
		{415, "unsupported_media_type", "POST", nobody + "/reactivate", tooLarge, []string{"Content-Type: text/plain"}},
		{413, "body_too_large", "POST", nobody + "/reactivate", tooLarge, nil},
		{413, "body_too_large", "DELETE", nobody, tooLarge, nil},
	} {
		got := s.serve(newRequest(t, row.method, row.target, row.body, row.headers...))
		if got.Status != row.status || got.code() != row.code {
			t.Errorf("%s %s %.30s %q: %d %s, want %d %s", row.method, row.target, row.body, row.headers, got.Status, got.code(), row.status, row.code)
		}
	}
}

func TestMethodNotAllowedListsTheMethods(t *testing.T) {
	s := boot(t)
	id := uuid.NewString()
	for target, allowed := range map[string]string{
		"/v1/users":                      "GET, HEAD, POST",
		"/v1/users/" + id:                "GET, HEAD, PATCH, DELETE",
		"/v1/users/" + id + "/email":     "PUT",
		"/v1/users/" + id + "/suspend":   "POST",
		"/v1/users/" + id + "/restore":   "POST",
		"/v1/users/" + id + "/diff":      "GET, HEAD",
		"/v1/changes":                    "GET, HEAD",
		"/v1/users/" + id + "/roles/x":   "PUT, DELETE",
		"/v1/users/" + id + "/roles/%20": "PUT, DELETE",
		"/v1/users/" + id + "/history":   "GET, HEAD",
		"/livez":                         "GET, HEAD",
	} {
		for _, method := range []string{"OPTIONS", "TRACE", "CONNECT", "BREW"} {
			if got := s.want(t, 405, "method_not_allowed", method, target, ""); got.Header.Get("Allow") != allowed {
				t.Errorf("%s %s: Allow is %q, want %q", method, target, got.Header.Get("Allow"), allowed)
			}
		}
	}
}

func TestUnknownRoutes(t *testing.T) {
	s := boot(t)
	id := uuid.NewString()
	for _, target := range []string{
		"/", "/v1", "/v1/", "/v1/users/", "//v1/users", "/v1//users", "/V1/users", "/v1/users/" + id + "/", "/v1/users/" + id + "/email/", "/v1/users/" + id + "/roles",
		"/v1/users/" + id + "/roles/", "/v1/users/" + id + "/roles/a/b", "/v1/users/" + id + "/nothing", "/livez/", "/problems", "/problems/", "/problems/nothing",
		"/v1/projections/", "/metrics", "/nothing%00", "/%ff", "/v1/users/../users", "/v1/%75sers",
	} {
		for _, method := range []string{"GET", "POST", "DELETE", "BREW"} {
			if strings.HasPrefix(target, "/problems/n") && method != "GET" {
				continue // the route exists, the page does not
			}
			s.want(t, 404, "route_not_found", method, target, "")
		}
	}
}
