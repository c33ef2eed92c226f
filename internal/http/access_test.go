package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/auth"
	"github.com/usersvc/usersvc/internal/auth/authtest"
	httpapi "github.com/usersvc/usersvc/internal/http"
)

// believed has tokens of package authtest believed.
func believed(c *httpapi.Config) {
	set := authtest.KeySet(authtest.Signers)
	c.Verifier = auth.NewVerifier(authtest.Issuer, authtest.Audience, auth.NewKeys(func(context.Context) ([]byte, error) { return set, nil }))
}

// bearer is the header of a caller with some scopes.
func bearer(t *testing.T, subject, scopes string, changes ...any) string {
	t.Helper()
	claims := authtest.With(authtest.Good(), append([]any{"sub", subject, "scope", scopes}, changes...)...)
	return "Authorization: Bearer " + authtest.Token(t, "EdDSA", claims)
}

// operations are all of the contract, with the scopes that each names: any one of them will do.
func operations(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for path, item := range contract(t).Paths.Map() {
		for method, operation := range item.Operations() {
			all[method+" "+path] = named(operation)
		}
	}
	return all
}

func named(operation *openapi3.Operation) (scopes []string) {
	if operation.Security == nil {
		return nil
	}
	for _, requirement := range *operation.Security {
		scopes = append(scopes, requirement["bearer"]...)
	}
	return scopes
}

// Every route, asked by everybody: what openapi.yaml says is what happens.
func TestWhoMayDoWhat(t *testing.T) {
	s := boot(t, believed)
	all := operations(t)
	self, other := uuid.NewString(), uuid.NewString()
	everything := []string{"users:read", "users:write", "users:admin", "events:read", "events:write", "ops", "users:self"}
	for _, user := range []string{self, other} {
		s.want(t, 201, "", "POST", "/v1/users", fmt.Sprintf(`{"id":%q,"email":"%s@example.com","displayName":"Ada"}`, user, user), bearer(t, "sign-up", "users:write"))
	}
	principals := map[string]struct {
		header, scope, user string
		unknown             bool // 401
	}{
		"nobody":              {header: "Accept: */*", unknown: true, user: self},
		"an expired token":    {header: bearer(t, self, strings.Join(everything, " "), "exp", time.Now().Add(-time.Hour).Unix()), unknown: true, user: self},
		"another audience":    {header: bearer(t, self, strings.Join(everything, " "), "aud", "billing"), unknown: true, user: self},
		"basic":               {header: "Authorization: Basic YTpi", unknown: true, user: self},
		"nothing":             {header: bearer(t, self, ""), user: self},
		"a scope like ours":   {header: bearer(t, self, "users users:* USERS:READ users:reader op"), user: self},
		"self, about another": {header: bearer(t, self, "users:self"), user: other},
		"self, about nobody":  {header: bearer(t, self, "users:self"), user: uuid.NewString()},
		"self":                {header: bearer(t, self, "users:self"), scope: "users:self", user: self},
	}
	for _, scope := range everything[:6] {
		principals[scope] = struct {
			header, scope, user string
			unknown             bool
		}{header: bearer(t, "somebody", scope), scope: scope, user: other}
	}
	for operation, scopes := range all {
		method, path, _ := strings.Cut(operation, " ")
		for name, p := range principals {
			target := strings.NewReplacer("{id}", p.user, "{role}", "editor", "{name}", "user_profiles", "{code}", "internal").Replace(path)
			if path == "/v1/users/{id}" && method == "DELETE" {
				target += "?dry_run=true"
			}
			got := s.send(t, method, target, "", p.header)
			refused := got.Status == http.StatusUnauthorized || got.Status == http.StatusForbidden
			switch {
			case len(scopes) == 0 || p.scope != "" && slices.Contains(scopes, p.scope):
				if refused {
					t.Errorf("%s, asked by %s: %d", operation, name, got.Status)
				}
			case p.unknown && got.Status != http.StatusUnauthorized, !p.unknown && got.Status != http.StatusForbidden:
				t.Errorf("%s, asked by %s: %d %s", operation, name, got.Status, got.Body)
			case !strings.HasPrefix(got.Header.Get("Www-Authenticate"), `Bearer realm="usersvc"`):
				t.Errorf("%s, asked by %s: %v", operation, name, got.Header)
			}
		}
	}
}

// The scopes of the contract are those of the code, and each is there for something.
func TestScopesAreDescribed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, scopes := range operations(t) {
		for _, scope := range scopes {
			seen[scope] = true
		}
	}
	if got := slices.Sorted(maps.Keys(seen)); strings.Join(got, " ") != "events:read events:write ops users:admin users:read users:self users:write" {
		t.Errorf("the contract names %v", got)
	}
}

// Whoever may see one user learns nothing of others: the answers are the same, and nobody is looked up for them.
func TestSelfLearnsNothingOfOthers(t *testing.T) {
	s := boot(t, believed)
	self, other := uuid.NewString(), uuid.NewString()
	s.want(t, 201, "", "POST", "/v1/users", fmt.Sprintf(`{"id":%q,"email":"eve@example.com","displayName":"Eve"}`, other), bearer(t, "sign-up", "users:write"))
	s.stopRelay()
	me := bearer(t, self, "users:self")
	before := s.pool.Stat().AcquireCount()
	var answers []string
	for _, target := range []string{"/v1/users/" + other, "/v1/users/" + uuid.NewString(), "/v1/users/nonsense", "/v1/users?email=eve@example.com", "/v1/users?email=nobody@example.com"} {
		got := s.send(t, "GET", target, "", me, "X-Request-Id: one")
		if got.Status != http.StatusForbidden {
			t.Errorf("%s: %d", target, got.Status)
		}
		answers = append(answers, string(got.Body))
	}
	if len(slices.Compact(answers)) != 1 {
		t.Errorf("the answers differ: %v", answers)
	}
	exists, absent := s.alternately(t, me, "/v1/users/"+other, "/v1/users/"+uuid.NewString())
	t.Logf("to say no took, in the median of 1,000: %v about a user who exists, %v about one who does not", exists, absent)
	if n := s.pool.Stat().AcquireCount() - before; n != 0 {
		t.Errorf("%d queries were made for them", n)
	}
}

// alternately returns the medians of what two requests take, asked in turn.
func (s *stack) alternately(t *testing.T, bearer, one, other string) (time.Duration, time.Duration) {
	t.Helper()
	var took [2][]time.Duration
	for range 1000 {
		for i, target := range []string{one, other} {
			r := newRequest(t, "GET", target, "", bearer)
			began := time.Now()
			s.serve(r)
			took[i] = append(took[i], time.Since(began))
		}
	}
	slices.Sort(took[0])
	slices.Sort(took[1])
	return took[0][500], took[1][500]
}

// The token says who did it, whatever a header says.
func TestActorIsTheSubject(t *testing.T) {
	s := boot(t, believed)
	user := uuid.NewString()
	s.want(t, 201, "", "POST", "/v1/users", fmt.Sprintf(`{"id":%q,"email":"ada@example.com","displayName":"Ada"}`, user), bearer(t, "sign-up", "users:write"), "X-Actor: root")
	got := s.want(t, 200, "", "GET", "/v1/users/"+user+"/events", "", bearer(t, "auditor", "users:read")).json(t)
	metadata := got["data"].([]any)[0].(map[string]any)["metadata"].(map[string]any)
	if metadata["actor"] != "sign-up" || metadata["client"] != "shop" {
		t.Errorf("the event says %v", metadata)
	}
}

// No bad token opens any route.
func TestBadTokensOpenNothing(t *testing.T) {
	s := boot(t, believed)
	bad := authtest.Bad(t)
	for operation, scopes := range operations(t) {
		if len(scopes) == 0 {
			continue
		}
		method, path, _ := strings.Cut(operation, " ")
		target := strings.NewReplacer("{id}", uuid.NewString(), "{role}", "editor", "{name}", "user_profiles").Replace(path)
		for name, token := range bad {
			if got := s.serve(newRequest(t, method, target, "", "Authorization: Bearer "+token)); got.Status != http.StatusUnauthorized {
				t.Errorf("%s with %s: %d %s", operation, name, got.Status, got.Body)
			}
		}
	}
}

// Where the issuer of tokens takes a request for its keys and never answers, callers do not wait as well.
func TestSilentIssuerHoldsUpNobody(t *testing.T) {
	silence := make(chan struct{})
	defer close(silence)
	s := boot(t, func(c *httpapi.Config) {
		c.Verifier = auth.NewVerifier(authtest.Issuer, authtest.Audience, auth.NewKeys(func(context.Context) ([]byte, error) {
			<-silence
			return nil, errors.New("no answer")
		}))
	})
	ask := newRequest(t, "GET", "/v1/users/"+uuid.NewString(), "", bearer(t, "shop", "users:read"))
	answered := make(chan answer, 1)
	go func() { answered <- s.serve(ask) }()
	select {
	case got := <-answered:
		if got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
			t.Errorf("got %d, Retry-After %q", got.Status, got.Header.Get("Retry-After"))
		}
	case <-time.After(20 * time.Second):
		t.Error("the caller waits for as long as the issuer says nothing")
	}
}
