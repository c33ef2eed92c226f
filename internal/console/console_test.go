package console_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/usersvc/usersvc/internal/console"
)

func TestWhatIsNotOursIsAsItCame(t *testing.T) {
	t.Parallel()
	for name, want := range console.Sums {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s has the sum %x", name, sum)
		}
	}
}

// answering is an API that says the same to everybody, and remembers what it was asked.
type answering struct {
	status int
	body   string
	mu     sync.Mutex // of asked
	asked  []*http.Request
}

func (a *answering) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.asked = append(a.asked, r)
	a.mu.Unlock()
	w.WriteHeader(a.status)
	_, _ = w.Write([]byte(a.body))
}

func (a *answering) visit(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	console.New(a).ServeHTTP(w, r)
	return w
}

// What the API refuses is shown, and never anything else; without a token one is asked for.
func TestRefusalsAreShown(t *testing.T) {
	t.Parallel()
	for code, test := range map[int]struct {
		status int
		shows  string
	}{
		401: {200, `id="sign-in"`}, 403: {403, "not for you"}, 404: {404, "not for you"}, 503: {503, "not for you"},
	} {
		api := &answering{status: code, body: fmt.Sprintf(`{"status": %d, "title": "No", "detail": "not for you"}`, code)}
		for _, path := range []string{"/users", "/users/x", "/activity", "/projections", "/dead-letters", "/system"} {
			w := api.visit(httptest.NewRequest("GET", console.Prefix+path, nil))
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.shows) {
				t.Errorf("%s of what is refused with %d: %d %s", path, code, w.Code, w.Body)
			}
			if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
				t.Errorf("the policy of %s is %q", path, policy)
			}
		}
	}
}

// Whoever has to sign in again does so on a page of its own, and not in the part that was asked for.
func TestSigningInTakesThePage(t *testing.T) {
	t.Parallel()
	api := &answering{status: 401, body: `{"status": 401}`}
	for _, part := range []string{"/projections/p", "/activity/newer?after=1", "/users/x/moment?version=1", "/users?q=ada"} {
		r := httptest.NewRequest("GET", console.Prefix+part, nil)
		r.Header.Set("HX-Request", "true")
		if h := api.visit(r).Header(); h.Get("HX-Retarget") != "#main" || h.Get("HX-Reswap") != "innerHTML" {
			t.Errorf("%s is answered with %v", part, h)
		}
	}
}

// The API is asked with what the caller sent of its own, and with nothing else.
func TestTheCallerAsks(t *testing.T) {
	t.Parallel()
	api := &answering{status: 200, body: `{"data": []}`}
	r := httptest.NewRequest("GET", console.Prefix+"/users?q=ada&at=2026-03-01T12:00", nil)
	r.Header.Set("Authorization", "Bearer mine")
	r.Header.Set("Cookie", "of=another")
	api.visit(r)
	asked := api.asked[0]
	if asked.Header.Get("Authorization") != "Bearer mine" || asked.Header.Get("Cookie") != "" || asked.RemoteAddr != r.RemoteAddr {
		t.Errorf("the API was asked with %v from %s", asked.Header, asked.RemoteAddr)
	}
	if q := asked.URL.Query(); q.Get("as_of") != "2026-03-01T12:00:00Z" || q.Get("q") != "ada" || len(q) != 2 {
		t.Errorf("the API was asked for %s", asked.URL)
	}
}

// Another site cannot have a browser send a command.
func TestOtherSitesSendNothing(t *testing.T) {
	t.Parallel()
	for site, status := range map[string]int{"cross-site": 403, "same-site": 403, "same-origin": 200} {
		api := &answering{status: 200, body: `{"data": []}`}
		r := httptest.NewRequest("POST", console.Prefix+"/dead-letters/retry", nil)
		r.Header.Set("Sec-Fetch-Site", site)
		r.Header.Set("HX-Request", "true")
		if w := api.visit(r); w.Code != status || (len(api.asked) > 0) != (status == 200) {
			t.Errorf("%s was answered with %d, and the API asked %d times", site, w.Code, len(api.asked))
		}
	}
}

// A form that the browser sends by itself, as the script is not there, has nothing in its address and changes nothing.
func TestFormsWithoutTheScript(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range regexp.MustCompile(`<form[^>]*>`).FindAllString(string(text), -1) {
			if !strings.Contains(form, `method="post"`) && (strings.Contains(form, "hx-post") || !strings.Contains(form, `method="get"`)) {
				t.Errorf("%s sends what is in it as part of an address: %s", file, form)
			}
		}
	}
	for _, path := range []string{"/users", "/users/new", "/users/x/delete", "/dead-letters/retry", "/projections/p/rebuild"} {
		api := &answering{status: 200, body: `{"data": []}`}
		w := api.visit(httptest.NewRequest("POST", console.Prefix+path, strings.NewReader("token=secret")))
		if w.Code != 400 || !strings.Contains(w.Body.String(), "Nothing was changed") || len(api.asked) != 0 {
			t.Errorf("%s was answered with %d, and the API asked %d times: %s", path, w.Code, len(api.asked), w.Body)
		}
	}
}

// What an event says is text, whatever it says.
func TestDataIsNoMarkup(t *testing.T) {
	t.Parallel()
	api := &answering{status: 200, body: `{"data": [{"id": "1", "subject": "x", "type": "usersvc.UserCreated.v2", "data": {"displayName": "<script>alert(1)</script>"}}], "next": 1}`}
	w := api.visit(httptest.NewRequest("GET", console.Prefix+"/activity", nil))
	if body := w.Body.String(); strings.Contains(body, "<script>alert") || !strings.Contains(body, "&lt;script&gt;alert") {
		t.Errorf("the page has %s", body)
	}
}

// Other domains give their events whatever ids they like: two that seem to have caused each other are shown like any, once.
func TestCausesInACircle(t *testing.T) {
	t.Parallel()
	api := &answering{status: 200, body: `{"data": [
		{"id": "A", "source": "/one", "sequence": "1", "type": "first"},
		{"id": "B", "source": "/two", "sequence": "2", "type": "second", "causationid": "A"},
		{"id": "A", "source": "/three", "sequence": "3", "type": "third", "causationid": "B"},
		{"id": "C", "source": "/four", "sequence": "4", "type": "fourth", "causationid": "A"}], "next": 4}`}
	w := api.visit(httptest.NewRequest("GET", console.Prefix+"/activity/11111111-1111-4111-8111-111111111111", nil))
	body := w.Body.String()
	last := 0
	for _, event := range []string{"first", "second", "third", "fourth"} { // each under the newest older one that it names
		at := strings.Index(body, ">"+event+"<")
		if at < last || strings.Count(body, ">"+event+"<") != 1 {
			t.Fatalf("%s is shown at %d, after one at %d, in %s", event, at, last, body)
		}
		last = at
	}
}
