package httpapi_test

import (
	"net/http/httptest"
	"testing"

	httpapi "github.com/usersvc/usersvc/internal/http"
)

// A page whose own name was made to lead here is told nothing.
func TestOtherNamesAreRefused(t *testing.T) {
	s := boot(t, func(c *httpapi.Config) { c.LocalOnly = true })
	for host, status := range map[string]int{
		"127.0.0.1:8080": 200, "localhost:8080": 200, "LOCALHOST": 200, "[::1]:8080": 200, "127.8.8.8": 200,
		"example.com": 403, "rebound.example.com:8080": 403, "10.0.0.1:8080": 403, "127.0.0.1.example.com": 403, "": 403, "localhost.example.com": 403,
	} {
		r := httptest.NewRequest("GET", "/v1/users", nil)
		r.Host = host
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("called %q it answered %d: %s", host, w.Code, w.Body)
		}
	}
}
