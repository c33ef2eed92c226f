package httpapi_test

import (
	"fmt"
	"strings"
	"testing"
)

// Every command that takes a body, with one that it would accept. Members that are not its own must not
// save a hostile body from being refused.
func bodies(path string) []step {
	return []step{
		{"POST", "/v1/users", `{"email":"grace@example.com","displayName":"Grace"}`},
		{"PUT", path + "/email", `{"email":"grace@example.com"}`},
		{"PATCH", path, `{"displayName":"Grace"}`},
		{"POST", path + "/suspend", `{"reason":"Spam"}`},
		{"POST", path + "/restore", `{"reason":"Spam","version":1,"fields":["email"]}`},
		{"POST", path + "/reactivate", `{}`},
	}
}

func TestHostileBodies(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	for _, c := range bodies(path) {
		member := strings.SplitN(c.body+`"displayName"`, `"`, 3)[1] // the first of its own, or any
		with := func(value string) string { return fmt.Sprintf(`{"%s":%s}`, member, value) }
		for name, body := range map[string]string{
			"invalid UTF-8":       with("\"\xff\""),
			"invalid UTF-8, name": "{\"\xff\":1}",
			"lone surrogate":      with(`"\ud800"`),
			"swapped surrogates":  with(`"\udc00\ud800"`),
			"duplicate member":    fmt.Sprintf(`{"%s":"a","%s":"b"}`, member, member),
			"duplicate, escaped":  fmt.Sprintf(`{"%s":"a","\u00%x%s":"b"}`, member, member[0], member[1:]),
			"another letter case": fmt.Sprintf(`{"%s":"a"}`, strings.ToUpper(member)),
			"unknown member":      `{"isAdmin":true}`,
			"second object":       c.body + c.body,
			"text behind":         c.body + "x",
			"null":                "null",
			"blank":               " ",
			"array":               "[" + c.body + "]",
			"string":              `"a"`,
			"number":              with("1"),
			"nested":              with(`{"a":1}`),
			"deeply nested":       with(strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)),
			"deeply nested, open": strings.Repeat(`{"a":`, 10_000),
			"long number":         with(strings.Repeat("9", 60_000)),
			"large exponent":      with("1e" + strings.Repeat("9", 60_000)),
			"NUL in a name":       `{"\u0000":"a"}`,
			"raw NUL":             with("\"\x00\""),
			"not JSON":            "email=grace@example.com",
			"UTF-16":              "\xff\xfe{\x00}\x00",
			"byte order mark":     "\ufeff" + c.body,
		} {
			t.Run(c.path[strings.LastIndex(c.path, "/")+1:]+" "+name, func(t *testing.T) {
				s.want(t, 400, "malformed_request", c.method, c.path, body)
			})
		}
		s.want(t, 413, "body_too_large", c.method, c.path, c.body+strings.Repeat(" ", 64<<10))
		s.want(t, 415, "unsupported_media_type", c.method, c.path, c.body, "Content-Type: text/plain")
		s.want(t, 415, "unsupported_media_type", c.method, c.path, c.body, "Content-Encoding: gzip")
	}
	s.wantNewest(t, path, 1, "UserCreated")
}

func TestEmptyBodyWhereOneIsNeeded(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	for _, c := range bodies(path)[:5] {
		mediaType := "application/json"
		if c.method == "PATCH" {
			mediaType = "application/merge-patch+json"
		}
		s.want(t, 400, "malformed_request", c.method, c.path, "", "Content-Type: "+mediaType)
		s.want(t, 415, "unsupported_media_type", c.method, c.path, "")
	}
}

func TestNULInAString(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	for _, c := range []step{
		{"POST", "/v1/users", `{"email":"grace@example.com\u0000","displayName":"Grace"}`},
		{"POST", "/v1/users", `{"email":"grace@example.com","displayName":"Gr\u0000ace"}`},
		{"POST", "/v1/users", `{"id":"\u0000","email":"grace@example.com","displayName":"Grace"}`},
		{"PUT", path + "/email", `{"email":"\u0000grace@example.com"}`},
		{"PATCH", path, `{"lastName":"\u0000"}`},
		{"POST", path + "/suspend", `{"reason":"\u0000"}`},
		{"POST", path + "/restore", `{"version":1,"fields":["email\u0000"],"reason":"Spam"}`},
		{"POST", path + "/restore", `{"version":1,"fields":["email"],"reason":"\u0000"}`},
	} {
		s.want(t, 422, "validation_failed", c.method, c.path, c.body)
	}
}

func TestHostilePaths(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	for _, bad := range []string{"%00", "%ff", "a%00", "%c0%80", "%ed%a0%80", "a%2Fb%00"} {
		s.want(t, 400, "invalid_parameter", "PUT", path+"/roles/"+bad, "")
		s.want(t, 400, "invalid_parameter", "DELETE", path+"/roles/"+bad, "")
		s.want(t, 400, "invalid_parameter", "GET", "/v1/projections/"+bad, "")
		s.want(t, 400, "invalid_parameter", "DELETE", path+"?reason="+bad+"%ff", "")
		for _, c := range append(bodies("/v1/users/" + bad)[1:], step{"GET", "/v1/users/" + bad, ""}, step{"DELETE", "/v1/users/" + bad, ""},
			step{"GET", "/v1/users/" + bad + "/history", ""}, step{"GET", "/v1/users/" + bad + "/events", ""}, step{"GET", "/v1/users/" + bad + "/diff?from=1", ""}, step{"PUT", "/v1/users/" + bad + "/roles/x", ""}) {
			s.want(t, 400, "invalid_parameter", c.method, c.path, c.body)
		}
	}
	for _, role := range []string{"%2F", "a%2Fb", "%20admin", "ADMIN", "%E2%80%8Badmin", "admin%0A", "..%2F.."} {
		s.want(t, 422, "validation_failed", "PUT", path+"/roles/"+role, "")
	}
}

// Each header that the service reads, with what it must refuse, on every route that reads it.
func TestHostileHeaders(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	commands := append(bodies(path), step{"PUT", path + "/roles/admin", ""}, step{"DELETE", path + "/roles/admin", ""}, step{"DELETE", path, ""})
	reads := []step{{"GET", "/v1/users", ""}, {"GET", path, ""}, {"GET", path + "/history", ""}, {"GET", path + "/events", ""},
		{"GET", path + "/diff?from=1", ""}, {"GET", "/v1/projections", ""}, {"GET", "/v1/projections/user_profiles", ""}}
	long := strings.Repeat("a", 256)
	refuse := func(routes []step, header string, values ...string) {
		for _, c := range routes {
			for _, value := range values {
				s.want(t, 400, "invalid_parameter", c.method, c.path, c.body, header+": "+value)
			}
		}
	}
	everywhere := append(commands, reads...)
	refuse(everywhere, "X-Actor", "", "a b", "é", "\xff", "a\tb", long)
	refuse(everywhere, "X-Correlation-Id", "", "1", "\xff", "{0193a0b0-0000-7000-8000-000000000001}", "0193a0b0000070008000000000000001")
	refuse(everywhere, "X-Causation-Id", "", "1", "urn:uuid:0193a0b0-0000-7000-8000-000000000001")
	refuse(commands, "Idempotency-Key", "", `""`, `"`, `"a`, `a"`, "a b", "\xff", long)
	refuse(commands, "If-Match", "", "abc", "3", `"abc"`, `"-1"`, `"9223372036854775808"`, `"1.-1"`, `"\xff"`, `"1", *`, strings.Repeat(`"`, 1000))
	refuse(reads[1:2], "If-None-Match", "", "abc", `"`)
	s.want(t, 400, "invalid_parameter", "PATCH", path, `{}`, "X-Actor: a", "X-Actor: b")
	s.want(t, 400, "invalid_parameter", "PATCH", path, `{}`, "Idempotency-Key: a", "Idempotency-Key: b")
	s.wantNewest(t, path, 1, "UserCreated")
}

func TestHostileAddresses(t *testing.T) {
	s := boot(t)
	for _, address := range []string{
		"", "ada", "@example.com", "ada@", "ada@localhost", "ada@example.com.", "ada@@example.com", "ada@exa mple.com", " ada@example.com", "ada@example.com ",
		"ada\u200b@example.com", "ada@exam\u00adple.com", "\u0430da@example.com", "ada@\uff45xample.com", "ada@ex\u0430mple.com", `\"ada byron\"@example.com`, "ada@[127.0.0.1]",
		"ada\u202e@example.com", "ad\u0130@example.com", "ada@\u212aelvin.com", ".ada@example.com", "ada.@example.com", "a..da@example.com",
		strings.Repeat("a", 65) + "@example.com", "ada@" + strings.Repeat("a", 64) + ".com", "ada@" + strings.Repeat("a.", 126) + "com", "ada\\u0000@example.com", "ada\\r\\n@example.com",
	} {
		s.want(t, 422, "validation_failed", "POST", "/v1/users", fmt.Sprintf(`{"email":"%s","displayName":"Ada"}`, address))
	}
	for _, address := range []string{"ada+tag@example.com", "a.d.a@example.com", "ada@b\u00fccher.example", "Ada@EXAMPLE.com", "ada@xn--bcher-kva.test", strings.Repeat("a", 64) + "@example.com"} {
		s.want(t, 201, "", "POST", "/v1/users", fmt.Sprintf(`{"email":"%s","displayName":"Ada"}`, address))
	}
	s.want(t, 409, "email_taken", "POST", "/v1/users", `{"email":"ADA@xn--bcher-kva.example","displayName":"Ada"}`)
}

// What cannot be used as a request id is replaced and never refused.
func TestRequestIDs(t *testing.T) {
	s := boot(t)
	for _, id := range []string{"a", "~!", strings.Repeat("a", 128)} {
		if got := s.want(t, 200, "", "GET", "/livez", "", "X-Request-Id: "+id).Header.Get("X-Request-Id"); got != id {
			t.Errorf("%q became %q", id, got)
		}
	}
	for _, id := range []string{"", "a b", "é", "\xff", strings.Repeat("a", 129)} {
		got := s.want(t, 404, "route_not_found", "GET", "/nothing", "", "X-Request-Id: "+id)
		if now := got.Header.Get("X-Request-Id"); now == id || got.json(t)["requestId"] != now {
			t.Errorf("%q became %q and %v", id, now, got.json(t)["requestId"])
		}
	}
}
