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

// A page of another origin can have a browser send what needs no leave, such as a request without a body.
func TestOtherPagesSendNoCommands(t *testing.T) {
	const trusted, evil = "https://app.example.com", "https://evil.example"
	s := boot(t, func(c *httpapi.Config) { c.LocalOnly, c.CORSOrigins = true, []string{trusted} })
	send := func(method string, headers ...string) int {
		r := newRequest(t, method, "/v1/dead-letters/retry", "", headers...)
		if method == "GET" {
			r.URL.Path = "/v1/users"
		}
		r.Host = "localhost:8080"
		return s.serve(r).Status
	}
	for _, test := range []struct {
		method string
		sent   []string
		status int
	}{
		{"POST", nil, 202}, // no browser
		{"POST", []string{"Origin: http://localhost:8080", "Sec-Fetch-Site: same-origin"}, 202},
		{"POST", []string{"Origin: " + trusted, "Sec-Fetch-Site: cross-site"}, 202},
		{"POST", []string{"Origin: " + evil, "Sec-Fetch-Site: cross-site"}, 403},
		{"POST", []string{"Origin: " + evil}, 403}, // an old browser
		{"POST", []string{"Origin: http://localhost:3000", "Sec-Fetch-Site: same-site"}, 403},
		{"GET", []string{"Origin: " + evil, "Sec-Fetch-Site: cross-site"}, 200}, // of which the page sees nothing
	} {
		if got := send(test.method, test.sent...); got != test.status {
			t.Errorf("%s with %v: %d, want %d", test.method, test.sent, got, test.status)
		}
	}
}
