package console_test

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/usersvc/usersvc/internal/console"
)

func get(api http.Handler, path string) string {
	w := httptest.NewRecorder()
	console.New(api).ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Body.String()
}

// log is a feed of half a million events, one of which is asked for.
func log(w http.ResponseWriter, r *http.Request) {
	const head, wanted = 500_000, 100
	q := r.URL.Query()
	after, _ := strconv.Atoi(q.Get("after"))
	if q.Has("since") {
		after = head
	}
	next, events := min(after+100_000, head), ""
	if after < wanted && wanted <= next {
		events = fmt.Sprintf(`{"sequence": "%d", "type": "Wanted"}`, wanted)
	}
	fmt.Fprintf(w, `{"data": [%s], "next": %d}`, events, next)
}

// Nobody is told that there is nothing where it has not been looked.
func TestActivityGoesBackToTheBeginning(t *testing.T) {
	t.Parallel()
	further := regexp.MustCompile(`href="([^"]*through=[^"]*)"`)
	path := console.Prefix + "/activity?actor=ada"
	for _, from := range []string{"300,001", "100,001"} {
		shown := get(http.HandlerFunc(log), path)
		found := further.FindStringSubmatch(shown)
		if !strings.Contains(shown, "Looked at from position "+from) || len(found) == 0 {
			t.Fatalf("%s does not say that it looked at from %s on: %s", path, from, shown)
		}
		path = html.UnescapeString(found[1])
	}
	if shown := get(http.HandlerFunc(log), path); !strings.Contains(shown, "Wanted") || further.MatchString(shown) || !strings.Contains(path, "actor=ada") {
		t.Errorf("%s shows %s", path, shown)
	}
}

// What the API has refused is not shown as nothing.
func TestARefusalIsNotNothing(t *testing.T) {
	t.Parallel()
	api := &answering{status: 400, body: `{"status": 400, "title": "Wrong"}`}
	for path, nothing := range map[string]string{"/users?role=NO": "Nobody", "/activity?correlation=no": "Nothing"} {
		if shown := get(api, console.Prefix+path); !strings.Contains(shown, "Wrong") || strings.Contains(shown, nothing) {
			t.Errorf("%s shows %s", path, shown)
		}
	}
}

// Who waits behind an event that could not be handled may be missing in the list, which says so.
func TestUsersWhoWaitAreMentioned(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{"": "", "1": "One user waits behind", "1200": "1,200 users wait behind"} {
		shown := get(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if header != "" {
				w.Header().Set("X-Projection-Parked", header)
			}
			fmt.Fprint(w, `{"data": []}`)
		}), console.Prefix+"/users")
		if strings.Contains(shown, "behind an event") != (want != "") || !strings.Contains(shown, want) {
			t.Errorf("with %s parked the list is %s", header, shown)
		}
	}
}
