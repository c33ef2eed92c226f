package httpapi_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
)

// Requests put together from pieces that are right, nearly right and hostile: whatever comes, no answer
// is a 5xx, and every refusal is a problem document of the contract.
func TestGeneratedRequests(t *testing.T) {
	const requests, writers = 50_000, 16 // enough at once for appends to share their commits
	s := boot(t)
	ids := []string{"1", "%00", "%ff", uuid.NewString(), "0193A0B0-0000-7000-8000-00000000000A"}
	for i := range 60 {
		ids = append(ids, strings.TrimPrefix(s.create(t, fmt.Sprintf("user%d@example.com", i)), "/v1/users/"))
	}
	s.want(t, 200, "", "GET", "/v1/users?min_position=60", "", "Prefer: wait=5") // what is asked of the past is there
	var served [6]atomic.Int64
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			g := generator{rand.New(rand.NewPCG(1, uint64(w))), ids}
			for range requests / writers {
				g.try(t, s, &served)
			}
		})
	}
	all.Wait()
	t.Logf("2xx %d, 3xx %d, 4xx %d", served[2].Load(), served[3].Load(), served[4].Load())
	for class, least := range map[int]int64{2: requests / 10, 3: 1, 4: requests / 10} {
		if served[class].Load() < least {
			t.Errorf("only %d answers are %dxx: the generator has lost its way", served[class].Load(), class)
		}
	}
}

type generator struct {
	*rand.Rand
	ids []string
}

func (g generator) try(t *testing.T, s *stack, served *[6]atomic.Int64) {
	method, target, body, headers := g.request()
	if _, err := httptest.NewRequest("GET", "/", nil).URL.Parse(target); err != nil {
		return // net/http refuses it before anybody else
	}
	r := newRequest(t, method, target, body, headers...)
	got := s.serve(r)
	served[got.Status/100].Add(1)
	switch {
	case got.Status < 400 && method != "OPTIONS" && got.Header.Get("Content-Encoding") == "" && g.IntN(20) == 0: // schemas take longer than the requests
		verify(t, method, r.URL.EscapedPath(), got)
	case got.Status >= 500:
		t.Errorf("%s %q %.200q %q: %d %s", method, target, body, headers, got.Status, got.Body)
	case got.Status >= 400:
		if err := wrongRefusal(got); err != nil {
			t.Errorf("%s %q %.200q %q: %d %s: %v", method, target, body, headers, got.Status, got.Body, err)
		}
	}
}

// wrongRefusal is verify without its schemas, which would take longer than the requests.
func wrongRefusal(got answer) error {
	var problem struct {
		Type, Title, Detail, Code, RequestID string
		Status                               int
	}
	if err := json.Unmarshal(got.Body, &problem); err != nil {
		return err
	}
	if got.Header.Get("Content-Type") != "application/problem+json" || problem.Status != got.Status || problem.Type != "/problems/"+problem.Code ||
		problem.Title == "" || problem.Detail == "" || problem.RequestID != got.Header.Get("X-Request-Id") {
		return fmt.Errorf("this is no problem document: %+v", problem)
	}
	return nil
}

func (g generator) one(of ...string) string { return of[g.IntN(len(of))] }

// often is the first choice four times in five.
func (g generator) often(usual string, others ...string) string {
	if g.IntN(5) > 0 {
		return usual
	}
	return g.one(others...)
}

func (g generator) request() (method, target, body string, headers []string) {
	path := "/v1/users/" + g.id()
	switch g.IntN(16) {
	case 0:
		method, target, body = "POST", "/v1/users", g.object("email", "displayName", "id", "firstName", "lastName")
	case 1:
		method, target, body = "PUT", path+"/email", g.object("email")
	case 2:
		method, target, body = "PATCH", path, g.object("displayName", "firstName", "lastName")
	case 3:
		method, target, body = "POST", path+"/suspend"+g.query("dry_run"), g.object("reason")
	case 4:
		method, target, body = "POST", path+"/reactivate", g.often("", "{}", "null", "x")
	case 5:
		method, target, body = g.one("PUT", "DELETE"), path+"/roles/"+g.often(g.one("admin", "editor", "a%3Ab"), "%00", "%ff", "Admin", "", "a/b"), g.often("", "{}", "x")
	case 6:
		return g.often("GET", "HEAD"), path, "", append(g.headers(), "If-None-Match: "+g.one("*", `"1.0"`, "x"))
	case 12:
		if g.IntN(60) == 0 { // what is deleted stays so
			return "DELETE", path + g.query("reason"), "", g.headers()
		}
		fallthrough
	case 7:
		method, target = "GET", path+g.query("as_of", "version", "at_position")
	case 8:
		method, target = "GET", "/v1/users"+g.query("email", "id", "status", "role", "q", "created_after", "created_before", "sort", "limit", "cursor", "count", "min_position", "as_of", "at_position")
	case 9:
		method, target = "GET", path+"/history"+g.query("limit", "cursor", "order")
	case 10:
		method, target = "GET", path+"/events"+g.query("after_version", "limit", "cursor")
	case 13:
		method, target, body = "POST", path+"/restore"+g.query("dry_run"), g.object("version", "fields", "reason")
	case 14:
		method, target = "GET", path+"/diff?from="+g.right("to")+strings.Replace(g.query("to"), "?", "&", 1)
	case 15:
		// Changes up to now may have to be waited for in vain.
		method, target = "GET", "/v1/changes?to=position:50&from="+g.often(g.right("moment"), g.hostile())+strings.Replace(g.query("fields", "order", "limit", "cursor", "to"), "?", "&", 1)
		target = strings.ReplaceAll(target, " ", "+")
	default:
		method, target = g.one("GET", "HEAD", "POST", "OPTIONS", "BREW"), g.one("/v1/projections", "/v1/projections/user_profiles", "/v1/projections/%00", "/livez", "/readyz",
			"/problems/internal", "/problems/%ff", "/openapi.json", "/", "/v1/users/", "//", "/v1/users/%2F/email")+g.query("x")
	}
	return method, target, body, g.headers()
}

func (g generator) id() string { return g.often(g.ids[len(g.ids)-1-g.IntN(60)], g.ids...) }

// right is a value that a parameter or member of this name may have.
func (g generator) right(name string) string {
	switch name {
	case "email":
		return fmt.Sprintf("user%d@example.com", g.IntN(100))
	case "id":
		return g.id()
	case "role":
		return g.one("admin", "editor")
	case "status":
		return g.one("active", "suspended", "deleted")
	case "sort":
		return g.one("createdAt", "-email", "displayName", "-updatedAt")
	case "order":
		return g.one("asc", "desc")
	case "count":
		return "exact"
	case "as_of", "created_after", "created_before":
		return g.one("2020-01-01T00:00:00Z", "2020-01-01T01:00:00.123456789%2B01:00", "0001-01-01T00:00:00Z")
	case "version", "at_position", "limit", "after_version":
		return g.one("1", "2", "3", "50")
	case "to":
		return g.one("1", "2", "position:50", "2020-01-01T00:00:00Z")
	case "moment":
		return g.one("position:0", "position:50", "2020-01-01T00:00:00Z")
	case "fields":
		return g.one("roles", "status,email")
	case "dry_run":
		return g.one("true", "false")
	case "min_position":
		return "1" // any other may have to be waited for in vain
	}
	return g.one("Ada", "e\u0301", "😀 Lovelace")
}

func (g generator) hostile() string {
	return g.one("", " ", "-1", "0", "9223372036854775808", "infinity", "294277-01-01T00:00:00Z", "%00", "%ff", "%zz", "a;b", "+", "'", "\\", "(", "ada & !", ":*",
		"\u200b", "ada@localhost", "a,b", tooLarge[:g.IntN(600)], "AAAA_-")
}

func (g generator) query(names ...string) string {
	var b strings.Builder
	separator := "?"
	for range g.IntN(3) {
		name := g.one(names...)
		b.WriteString(separator + g.often(name, "x", "%00", "Limit") + "=" + strings.ReplaceAll(g.often(g.right(name), g.hostile()), " ", "+"))
		separator = "&"
	}
	return b.String()
}

// Made once: under the race detector large strings cost more than requests do.
var deep, tooLarge = strings.Repeat("[", 2000), strings.Repeat("x", 66_000)

func (g generator) object(names ...string) string {
	var members []string
	for _, name := range names[:1+g.IntN(len(names))] {
		text, err := json.Marshal(g.often(g.right(name), g.hostile()))
		if name == "fields" {
			text = []byte(g.one(`["email"]`, `["roles","displayName"]`, `["email","email"]`, `["status"]`, `[]`, `[null]`, `[1]`))
		}
		if name == "version" {
			text = []byte(g.right(name))
		}
		if err != nil {
			panic(err) // only for what is no text
		}
		members = append(members, fmt.Sprintf("%q:%s", g.often(name, name, strings.ToUpper(name), "x", names[0]),
			g.often(string(text), string(text), "null", "1", `"\ud800"`, `"\u0000"`, "\"\xff\"", "[[]]", "{}", "1e999", "nul")))
	}
	return g.often("{"+strings.Join(members, ",")+"}", "", "null", "[]", "{", "{}{}", deep, tooLarge)
}

func (g generator) headers() (headers []string) {
	if g.IntN(3) > 0 {
		return nil
	}
	for range 1 + g.IntN(2) {
		headers = append(headers, g.one("If-Match", "If-None-Match", "Idempotency-Key", "X-Actor", "X-Request-Id", "X-Correlation-Id", "X-Causation-Id",
			"Traceparent", "Prefer", "Content-Type", "Accept-Encoding")+": "+
			g.one("*", `"1.0"`, `"2"`, `W/"1.0"`, `"-1"`, "k", `"k"`, fmt.Sprint("k", g.IntN(1000)), "", "\xff", "a b", uuid.NewString(), "wait=0", "wait=x", "gzip", "application/json", "text/plain",
				strings.Repeat("a", 300), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
	}
	return headers
}
