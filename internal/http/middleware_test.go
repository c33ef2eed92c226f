package httpapi_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	httpapi "github.com/usersvc/usersvc/internal/http"
)

func TestPanicIsAnInternalError(t *testing.T) {
	s := boot(t, func(c *httpapi.Config) {
		c.Ready = func(context.Context) httpapi.Readiness { panic("the secret of table eventlog.events") }
	})
	got := s.serve(newRequest(t, "GET", "/readyz", ""))
	if got.Status != 500 || got.code() != "internal" || strings.Contains(string(got.Body), "eventlog") {
		t.Errorf("%d %s", got.Status, got.Body)
	}
	line := s.logged.String()
	for _, want := range []string{`"level":"error"`, "the secret of table", "middleware_test.go", got.Header.Get("X-Request-Id")} {
		if !strings.Contains(line, want) {
			t.Errorf("the log has no %q: %s", want, line)
		}
	}
	s.want(t, 200, "", "GET", "/livez", "")
}

// One line for each request: what happened, and nothing about anybody.
func TestLog(t *testing.T) {
	s := boot(t)
	path := s.create(t, "wilhelmina@example.com")
	id := strings.TrimPrefix(path, "/v1/users/")
	s.want(t, 409, "email_taken", "POST", "/v1/users", `{"email":"wilhelmina@example.com","displayName":"Lovelace"}`, "X-Actor: wilhelmina@example.com")
	s.want(t, 200, "", "GET", "/v1/users?email=wilhelmina@example.com", "")
	s.want(t, 404, "route_not_found", "GET", "/wilhelmina@example.com", "")
	s.want(t, 422, "validation_failed", "PUT", path+"/roles/wilhelmina@example.com", "", "X-Request-Id: r-5")
	lines := strings.Split(strings.TrimSpace(s.logged.String()), "\n")
	if len(lines) != 5 {
		t.Fatalf("%d lines: %s", len(lines), lines)
	}
	// Names with letters that no id has: ids are hexadecimal.
	for _, secret := range []string{"wilhelmina", "Lovelace", id} {
		if strings.Contains(strings.ToLower(s.logged.String()), strings.ToLower(secret)) {
			t.Errorf("the log tells %q: %s", secret, lines)
		}
	}
	var last map[string]any
	if err := json.Unmarshal([]byte(lines[4]), &last); err != nil {
		t.Fatal(err)
	}
	for member, want := range map[string]any{"level": "info", "method": "PUT", "route": "/v1/users/{id}/roles/{role}", "status": 422.0, "request": "r-5"} {
		if last[member] != want {
			t.Errorf("%s is %v, want %v", member, last[member], want)
		}
	}
}

func TestUnavailableIsLoggedWithItsCause(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	s.pool.Close()
	for _, c := range []step{{"GET", path, ""}, {"GET", path + "?version=1", ""}, {"GET", "/v1/users", ""}, {"GET", path + "/history", ""},
		{"GET", path + "/events", ""}, {"GET", "/v1/projections", ""}, {"PATCH", path, "{}"}} {
		got := s.want(t, 503, "unavailable", c.method, c.path, c.body)
		if got.Header.Get("Retry-After") == "" || got.json(t)["retryAfter"] == nil || strings.Contains(string(got.Body), "pool") {
			t.Errorf("%s %s: %v %s", c.method, c.path, got.Header, got.Body)
		}
	}
	if !strings.Contains(s.logged.String(), `"level":"warn","error":`) {
		t.Errorf("the log has no cause: %s", s.logged)
	}
}

// Nobody is told anything who is not there any more.
func TestClientThatWentAway(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	s.pool.Close()
	gone, leave := context.WithCancel(t.Context())
	leave()
	if got := s.serve(newRequest(t, "GET", path, "").WithContext(gone)); len(got.Body) > 0 {
		t.Errorf("somebody was told %s", got.Body)
	}
	lines := strings.Split(strings.TrimSpace(s.logged.String()), "\n")
	if last := lines[len(lines)-1]; !strings.Contains(last, `"level":"debug"`) {
		t.Errorf("logged as %s", last)
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	for target, caching := range map[string]string{
		path: "private, no-cache", path + "?version=1": "private, max-age=86400", "/v1/users": "no-store", "/nothing": "no-store", path + "?x=1": "no-store",
		"/livez": "no-store", "/openapi.json": "public, max-age=300", "/problems/internal": "public, max-age=300",
	} {
		got := s.send(t, "GET", target, "")
		if h := got.Header; h.Get("Cache-Control") != caching || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Request-Id") == "" {
			t.Errorf("%s: %v", target, h)
		}
	}
}

func TestCompression(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	s.caughtUp(t, "/v1/users?min_position=1") // both lists show the user
	for target, compressed := range map[string]bool{
		"/v1/users": true, path + "/history": true, path + "/events": true, "/openapi.yaml": true, "/openapi.json": true, "/problems/internal": true,
		path: false, path + "?version=1": false, "/nothing": false,
	} {
		plain := s.send(t, "GET", target, "")
		got := s.serve(newRequest(t, "GET", target, "", "Accept-Encoding: gzip"))
		if (got.Header.Get("Content-Encoding") == "gzip") != compressed {
			t.Errorf("%s: Content-Encoding is %q", target, got.Header.Get("Content-Encoding"))
		}
		if !compressed {
			continue
		}
		reader, err := gzip.NewReader(strings.NewReader(string(got.Body)))
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(reader); err != nil || string(body) != string(plain.Body) {
			t.Errorf("%s: %v, %s", target, err, body)
		}
		if !strings.Contains(got.Header.Get("Vary"), "Accept-Encoding") {
			t.Errorf("%s: Vary is %q", target, got.Header.Get("Vary"))
		}
	}
}

func TestCompressionIsForThoseWhoTakeIt(t *testing.T) {
	s := boot(t)
	for accept, want := range map[string]string{
		"br, gzip;q=0.5": "gzip", "*": "gzip", "gzip;q=0": "", "identity, gzip;q=0": "", "br, notgzip": "", "deflate": "", "gzip;q=0, deflate": "",
	} {
		for _, target := range []string{"/v1/users", "/openapi.yaml"} {
			got := s.serve(newRequest(t, "GET", target, "", "Accept-Encoding: "+accept))
			if encoding := got.Header.Get("Content-Encoding"); encoding != want {
				t.Errorf("%s to a client that takes %q: Content-Encoding is %q", target, accept, encoding)
			}
		}
	}
}

func TestCORS(t *testing.T) {
	s := boot(t, func(c *httpapi.Config) { c.CORSOrigins = []string{"https://console.example.com"} })
	preflight := func(origin string) answer {
		return s.serve(newRequest(t, "OPTIONS", "/v1/users", "", "Origin: "+origin, "Access-Control-Request-Method: POST",
			"Access-Control-Request-Headers: authorization,content-type,if-match,idempotency-key,x-actor"))
	}
	got := preflight("https://console.example.com").Header
	if got.Get("Access-Control-Allow-Origin") != "https://console.example.com" || !strings.Contains(strings.ToLower(got.Get("Access-Control-Allow-Headers")), "idempotency-key") {
		t.Errorf("preflight: %v", got)
	}
	if got := preflight("https://elsewhere.example.com").Header; got.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("preflight from elsewhere: %v", got)
	}
	got = s.serve(newRequest(t, "GET", "/v1/users", "", "Origin: https://console.example.com")).Header
	if !strings.Contains(strings.ToLower(got.Get("Access-Control-Expose-Headers")), "x-projection-position") || !strings.Contains(got.Get("Vary"), "Origin") {
		t.Errorf("exposed: %v", got)
	}
}

func TestWithoutCORSNothingIsAllowed(t *testing.T) {
	s := boot(t)
	got := s.want(t, 405, "method_not_allowed", "OPTIONS", "/v1/users", "", "Origin: https://console.example.com", "Access-Control-Request-Method: POST")
	if got.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%v", got.Header)
	}
}

func TestRateLimit(t *testing.T) {
	s := boot(t, func(c *httpapi.Config) { c.RateLimit = 3 })
	for i := range 3 {
		got := s.want(t, 400, "invalid_parameter", "GET", "/v1/users?x=1", "", "X-Actor: ada")
		if h := got.Header; h.Get("RateLimit-Policy") != `"caller";q=3;w=60` || !strings.HasPrefix(h.Get("RateLimit"), `"caller";r=`+string(rune('2'-i))) {
			t.Errorf("request %d: %v", i, h)
		}
	}
	got := s.want(t, 429, "rate_limited", "GET", "/v1/users?x=1", "", "X-Actor: ada")
	if h := got.Header; h.Get("Retry-After") == "" || !strings.HasPrefix(h.Get("RateLimit"), `"caller";r=0`) {
		t.Errorf("%v", h)
	}
	s.want(t, 200, "", "GET", "/v1/users", "", "X-Actor: grace")
	s.want(t, 200, "", "GET", "/v1/users", "")
	for _, uncounted := range []answer{
		s.want(t, 404, "route_not_found", "GET", "/v1/nothing", "", "X-Actor: ada"),
		s.want(t, 405, "method_not_allowed", "DELETE", "/v1/users", "", "X-Actor: ada"),
	} {
		if h := uncounted.Header; h.Get("RateLimit") != "" || h.Get("RateLimit-Policy") != "" {
			t.Errorf("what counts against nobody says what is left: %v", h)
		}
	}
	s.want(t, 200, "", "GET", "/livez", "", "X-Actor: ada")
}

// An address has ten times as much, whoever asks from there: a caller gets no more by another name. A proxy's word for where
// a request comes from is taken if the proxy is trusted.
func TestRateLimitOfAnAddress(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} // httptest's
	s := boot(t, func(c *httpapi.Config) { c.RateLimit, c.Proxies = 1, proxies })
	from := func(forwarded string, i int) answer {
		return s.send(t, "GET", "/v1/users?x=1", "", "X-Actor: caller-"+strconv.Itoa(i), "X-Forwarded-For: "+forwarded)
	}
	for i := range 10 {
		if got := from("198.51.100.7", i); got.Status != 400 {
			t.Errorf("request %d: %d %s", i, got.Status, got.Body)
		}
	}
	for name, forwarded := range map[string]string{
		"the same":                   "198.51.100.7",
		"behind one more proxy":      "198.51.100.7, 192.0.2.9",
		"pretending to be a proxy's": "203.0.113.1, 198.51.100.7",
	} {
		if got := from(forwarded, 99); got.code() != "rate_limited" || got.Header.Get("RateLimit-Policy") != `"address";q=10;w=60` {
			t.Errorf("%s: %d %v", name, got.Status, got.Header)
		}
	}
	if got := from("198.51.100.8", 100); got.Status != 400 {
		t.Errorf("another address: %d", got.Status)
	}
}

// With tokens a caller is its subject, and a refused token costs nobody else's quota.
func TestRateLimitOfASubject(t *testing.T) {
	s := boot(t, believed, func(c *httpapi.Config) { c.RateLimit = 2 })
	ada := bearer(t, "ada", "users:read")
	for range 2 {
		s.want(t, 200, "", "GET", "/v1/users", "", ada, "X-Actor: grace")
	}
	s.want(t, 429, "rate_limited", "GET", "/v1/users", "", ada, "X-Actor: grace")
	s.want(t, 200, "", "GET", "/v1/users", "", bearer(t, "grace", "users:read"))
	s.want(t, 401, "unauthenticated", "GET", "/v1/users", "")
}
