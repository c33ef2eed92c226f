package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/usersvc/usersvc"
	"github.com/usersvc/usersvc/internal/activity"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/feed"
	httpapi "github.com/usersvc/usersvc/internal/http"
	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/pgtest"
	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/rebuild"
	"github.com/usersvc/usersvc/internal/users"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, pgtest.IgnoreServer()) }

// stack is the service on a database of its own, without a socket.
type stack struct {
	handler   http.Handler
	pool      *pgxpool.Pool
	log       *eventstore.Log
	feed      *feed.Hub
	rebuilds  *rebuild.Rebuilds
	logged    *lines
	stopRelay func() // and waits for its end
}

// snapshotEvery is few enough for a test to get beyond.
const snapshotEvery = 10

func boot(t *testing.T, changes ...func(*httpapi.Config)) *stack {
	t.Helper()
	t.Parallel()
	return bootOn(t, pgtest.New(t), changes...)
}

func bootOn(t *testing.T, pool *pgxpool.Pool, changes ...func(*httpapi.Config)) *stack {
	t.Helper()
	log := eventstore.Open(pool)
	profiles := projections.NewProfiles(pool)
	relay := outbox.New(pool, outbox.Subscription{
		Name: projections.Subscription, Handle: projections.Live.Apply, Skip: projections.Live.Skip, UserOf: projections.UserOf, Moved: profiles.Moved,
	}, outbox.DefaultRetry, zerolog.Nop())
	hub := feed.New(log, zerolog.Nop())
	log.Notify(func() { relay.Wake(); hub.Wake() })
	useCases := users.New(log, profiles, snapshotEvery, zerolog.Nop())
	key, err := log.CursorKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var background sync.WaitGroup
	background.Go(func() { relay.Run(ctx) })
	s := &stack{pool: pool, log: log, feed: hub, logged: new(lines), stopRelay: func() { cancel(); background.Wait() }}
	t.Cleanup(func() { s.logged.checkNobody(t) })
	t.Cleanup(func() {
		hub.Close()
		s.stopRelay()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		useCases.Close(ctx)
		log.Close(ctx)
	})
	rebuilds := rebuild.New(pool, zerolog.Nop(), rebuild.Profiles(pool, relay, outbox.DefaultRetry, zerolog.Nop()))
	t.Cleanup(rebuilds.Close)
	s.rebuilds = rebuilds
	config := httpapi.Config{
		Users: useCases, Activity: activity.New(log), Feed: hub, Relay: relay, Rebuilds: rebuilds, Ready: ready, System: wellSystem,
		CursorKey: key, OpenAPI: usersvc.OpenAPI, Log: zerolog.New(s.logged),
	}
	for _, change := range changes {
		change(&config)
	}
	if s.handler, err = httpapi.New(config); err != nil {
		t.Fatal(err)
	}
	return s
}

func wellSystem(context.Context) httpapi.System {
	return httpapi.System{
		Version: "development", Go: "go1.26", Settings: []httpapi.Setting{{Name: "USERSVC_ADDR", Value: "127.0.0.1:8080"}},
		Database: &httpapi.Database{Version: "15.1", Schema: 3, ConnectionLimit: 100}, Pool: httpapi.Pool{Limit: 16},
		Replicas: []httpapi.Replica{{Name: "here:1", Connections: 1}},
		Errors:   []httpapi.LoggedError{{Level: "warn", Message: "something"}},
	}
}

func ready(context.Context) httpapi.Readiness {
	return httpapi.Readiness{Ready: true, Database: true, SchemaCurrent: 3, SchemaLatest: 3}
}

// lines collects the log.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// checkNobody finds no person in the log. Whoever appears in these tests has an address at example.com or example.org.
func (l *lines) checkNobody(t *testing.T) {
	t.Helper()
	for line := range strings.Lines(l.String()) {
		if lower := strings.ToLower(line); strings.Contains(lower, "@example") || strings.Contains(lower, "%40example") || strings.Contains(lower, "lovelace") {
			t.Errorf("the log names somebody: %s", line)
		}
	}
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// answer is what a client got.
type answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// json returns the body as an object.
func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(a.Body, &object); err != nil {
		t.Fatalf("%v: %q", err, a.Body)
	}
	return object
}

// code returns the code of a problem, "" of anything else.
func (a answer) code() string {
	var problem struct{ Code string }
	if a.Header.Get("Content-Type") == "application/problem+json" {
		_ = json.Unmarshal(a.Body, &problem) // that it is JSON was verified
	}
	return problem.Code
}

// send makes a request, with headers as "Name: value", and holds its answer against openapi.yaml.
func (s *stack) send(t *testing.T, method, target, body string, headers ...string) answer {
	t.Helper()
	r := newRequest(t, method, target, body, headers...)
	got := s.serve(r)
	verify(t, method, r.URL.EscapedPath(), got)
	return got
}

func newRequest(t *testing.T, method, target, body string, headers ...string) *http.Request {
	t.Helper()
	var content *strings.Reader // nil: none
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	if body != "" {
		content = strings.NewReader(body)
		r = httptest.NewRequestWithContext(t.Context(), method, target, content)
		r.Header.Set("Content-Type", "application/json")
		if method == http.MethodPatch {
			r.Header.Set("Content-Type", "application/merge-patch+json")
		}
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		name = http.CanonicalHeaderKey(name)
		r.Header[name] = append(r.Header[name], value)
		if name == "Content-Type" {
			r.Header[name] = []string{value}
		}
	}
	return r
}

func (s *stack) serve(r *http.Request) answer {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.Bytes()}
}

// want fails the test unless a request has this status and, for a refusal, this code.
func (s *stack) want(t *testing.T, status int, code string, method, target, body string, headers ...string) answer {
	t.Helper()
	got := s.send(t, method, target, body, headers...)
	if got.Status != status || got.code() != code {
		t.Fatalf("%s %s %.200s: %d %q, want %d %q: %s", method, target, body, got.Status, got.code(), status, code, got.Body)
	}
	return got
}

// caughtUp asks for a list with a min_position until its projection has come so far, which on a busy machine may take longer than
// one request waits.
func (s *stack) caughtUp(t *testing.T, target string) answer {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		got := s.send(t, "GET", target, "", "Prefer: wait=5")
		switch {
		case got.Status == 200:
			return got
		case got.code() != "projection_lagging" || time.Now().After(deadline):
			t.Fatalf("GET %s: %d: %s", target, got.Status, got.Body)
		}
	}
}

// create makes a user and returns its path.
func (s *stack) create(t *testing.T, email string) string {
	t.Helper()
	body, _ := json.Marshal(map[string]string{"email": email, "displayName": "Ada Lovelace"}) // strings: cannot fail
	return s.want(t, 201, "", "POST", "/v1/users", string(body)).Header.Get("Location")
}
