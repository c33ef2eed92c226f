package httpapi_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/auth"
	httpapi "github.com/usersvc/usersvc/internal/http"
)

const (
	tokenIssuer   = "https://id.example.com"
	tokenAudience = "usersvc"
)

// issuer signs tokens, and has them believed.
type issuer struct{ key jose.JSONWebKey }

func newIssuer(t *testing.T) issuer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return issuer{jose.JSONWebKey{Key: private, KeyID: "a", Algorithm: "EdDSA", Use: "sig"}}
}

func (i issuer) believed(c *httpapi.Config) {
	set, _ := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{i.key.Public()}})
	c.Verifier = auth.NewVerifier(tokenIssuer, tokenAudience, auth.NewKeys(func(context.Context) ([]byte, error) { return set, nil }))
}

// token is the header of a caller with some scopes.
func (i issuer) token(t *testing.T, subject, scopes string, changes ...func(*jwt.Claims)) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: i.key}, (&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	claims := jwt.Claims{
		Issuer: tokenIssuer, Audience: jwt.Audience{tokenAudience}, Subject: subject,
		IssuedAt: jwt.NewNumericDate(time.Now()), Expiry: jwt.NewNumericDate(time.Now().Add(time.Hour)),
	}
	for _, change := range changes {
		change(&claims)
	}
	token, err := jwt.Signed(signer).Claims(claims).Claims(map[string]any{"scope": scopes, "client_id": "shop"}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return "Authorization: Bearer " + token
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
	id := newIssuer(t)
	s := boot(t, id.believed)
	all := operations(t)
	self, other := uuid.NewString(), uuid.NewString()
	everything := []string{"users:read", "users:write", "users:admin", "events:read", "events:write", "ops", "users:self"}
	for _, user := range []string{self, other} {
		s.want(t, 201, "", "POST", "/v1/users", fmt.Sprintf(`{"id":%q,"email":"%s@example.com","displayName":"Ada"}`, user, user), id.token(t, "sign-up", "users:write"))
	}
	principals := map[string]struct {
		header, scope, user string
		unknown             bool // 401
	}{
		"nobody":              {header: "Accept: */*", unknown: true, user: self},
		"an expired token":    {header: id.token(t, self, strings.Join(everything, " "), func(c *jwt.Claims) { c.Expiry = jwt.NewNumericDate(time.Now().Add(-time.Hour)) }), unknown: true, user: self},
		"another audience":    {header: id.token(t, self, strings.Join(everything, " "), func(c *jwt.Claims) { c.Audience = jwt.Audience{"billing"} }), unknown: true, user: self},
		"basic":               {header: "Authorization: Basic YTpi", unknown: true, user: self},
		"nothing":             {header: id.token(t, self, ""), user: self},
		"a scope like ours":   {header: id.token(t, self, "users users:* USERS:READ users:reader op"), user: self},
		"self, about another": {header: id.token(t, self, "users:self"), user: other},
		"self, about nobody":  {header: id.token(t, self, "users:self"), user: uuid.NewString()},
		"self":                {header: id.token(t, self, "users:self"), scope: "users:self", user: self},
	}
	for _, scope := range everything[:6] {
		principals[scope] = struct {
			header, scope, user string
			unknown             bool
		}{header: id.token(t, "somebody", scope), scope: scope, user: other}
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
	id := newIssuer(t)
	s := boot(t, id.believed)
	self, other := uuid.NewString(), uuid.NewString()
	s.want(t, 201, "", "POST", "/v1/users", fmt.Sprintf(`{"id":%q,"email":"eve@example.com","displayName":"Eve"}`, other), id.token(t, "sign-up", "users:write"))
	s.stopRelay()
	me := id.token(t, self, "users:self")
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
	if n := s.pool.Stat().AcquireCount() - before; n != 0 {
		t.Errorf("%d queries were made for them", n)
	}
}

// The token says who did it, whatever a header says.
func TestActorIsTheSubject(t *testing.T) {
	id := newIssuer(t)
	s := boot(t, id.believed)
	user := uuid.NewString()
	s.want(t, 201, "", "POST", "/v1/users", fmt.Sprintf(`{"id":%q,"email":"ada@example.com","displayName":"Ada"}`, user), id.token(t, "sign-up", "users:write"), "X-Actor: root")
	got := s.want(t, 200, "", "GET", "/v1/users/"+user+"/events", "", id.token(t, "auditor", "users:read")).json(t)
	metadata := got["data"].([]any)[0].(map[string]any)["metadata"].(map[string]any)
	if metadata["actor"] != "sign-up" || metadata["client"] != "shop" {
		t.Errorf("the event says %v", metadata)
	}
}
