package console_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/usersvc/usersvc/internal/console"
)

// halves is an API that says one thing to commands and another to reads.
type halves struct{ command, read *answering }

func (h *halves) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		h.read.ServeHTTP(w, r)
		return
	}
	h.command.ServeHTTP(w, r)
}

// send posts a form as htmx does, and returns what is shown.
func (h *halves) send(path string, form url.Values) string {
	r := httptest.NewRequest("POST", console.Prefix+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("HX-Request", "true")
	w := httptest.NewRecorder()
	console.New(h).ServeHTTP(w, r)
	return w.Body.String()
}

func refusing(status int, title string) *answering {
	return &answering{status: status, body: fmt.Sprintf(`{"status": %d, "title": %q}`, status, title)}
}

// What came of a command is shown, whether the page after it can be read or not.
func TestOutcomesAreShown(t *testing.T) {
	t.Parallel()
	suspension := url.Values{"reason": {"wrote to everybody"}, "etag": {`"7"`}, "key": {"first-key"}}
	for path, form := range map[string]url.Values{"/users/x/suspend": suspension, "/users/new": {"email": {"ada@example.com"}},
		"/dead-letters/retry": nil, "/projections/p/rebuild": nil} {
		done := &halves{&answering{status: 200, body: `{"id": "x"}`}, refusing(429, "Too many")}
		if shown := done.send(path, form); !strings.Contains(shown, ">Done</h1>") || !strings.Contains(shown, "cannot be read now: Too many.") {
			t.Errorf("%s was done, and it was shown that %s", path, shown)
		}
	}
	unknown := &halves{refusing(503, "Not known"), refusing(503, "Unavailable")}
	for path, form := range map[string]url.Values{"/users/x/suspend": suspension,
		"/users/x/reactivate": {"etag": {`"7"`}, "key": {"first-key"}}, "/users/x/revoke": {"role": {"admin"}, "key": {"first-key"}}} {
		shown := unknown.send(path, form)
		for _, values := range form {
			if !strings.Contains(shown, ">Not known</h1>") || !strings.Contains(shown, strings.ReplaceAll(values[0], `"`, "&#34;")) {
				t.Errorf("%s may have happened, and was to be sent again with %s: %s", path, values[0], shown)
			}
		}
	}
}

// Of the names those alone are sent that were changed on the page, and the same ones again if they may have been.
func TestNamesThatWereChangedAreSent(t *testing.T) {
	t.Parallel()
	api := &halves{refusing(503, "Not known"), &answering{status: 200, body: `{"id": "x", "status": "active", "firstName": "Augusta", "data": [{}]}`}}
	shown := api.send("/users/x/profile", url.Values{"displayName": {"Ada"}, "was-displayName": {"Ada"}, "firstName": {""}, "was-firstName": {"Adah"},
		"lastName": {"King"}, "was-lastName": {"Byron"}})
	if sent, _ := io.ReadAll(api.command.asked[0].Body); string(sent) != `{"firstName":"","lastName":"King"}` {
		t.Errorf("the API was sent %s", sent)
	}
	for _, want := range []string{`name="was-displayName" value="Ada"`, `name="was-firstName" value="Adah"`, `name="was-lastName" value="Byron"`} {
		if !strings.Contains(shown, want) {
			t.Errorf("another request would be sent again, without %s: %s", want, shown)
		}
	}
}

// What may have happened is sent again as the same request, or it would happen twice or be refused.
func TestWhatMayHaveHappenedIsSentAgain(t *testing.T) {
	t.Parallel()
	api := &halves{refusing(503, "Not known"), &answering{status: 200, body: `{"id": "x", "status": "active", "version": 8, "data": [{"version": 8}]}`}}
	created := api.send("/users/new", url.Values{"email": {"ada@example.com"}, "key": {"first-key"}})
	suspended := api.send("/users/x/suspend", url.Values{"reason": {"spam"}, "etag": {`"7"`}, "key": {"first-key"}})
	for _, want := range []string{"Not known", `value="first-key"`} {
		if !strings.Contains(created, want) || !strings.Contains(suspended, want) {
			t.Errorf("%s is not shown in %s or %s", want, created, suspended)
		}
	}
	if !strings.Contains(created, `value="ada@example.com"`) {
		t.Errorf("what was sent is not in %s", created)
	}
	_, form, _ := strings.Cut(suspended, `id="command-suspend"`)
	if form, _, _ = strings.Cut(form, "</form>"); !strings.Contains(form, `name="etag" value="&#34;7&#34;"`) {
		t.Errorf("it would be sent to another version: %s", form)
	}
}
