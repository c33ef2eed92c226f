package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/usersvc/usersvc/internal/auth"
)

// access says who may use an operation.
type access struct {
	scope string
	self  bool // and a caller with the scope users:self, of the user that it is
}

// The scopes. None implies another.
const (
	usersRead   = "users:read"
	usersWrite  = "users:write"
	usersAdmin  = "users:admin"
	usersSelf   = "users:self"
	eventsRead  = "events:read"
	eventsWrite = "events:write"
	ops         = "ops"
)

// open is for everybody.
var open = access{}

// permissions is the whole of what anybody may do, by method and path. openapi.yaml says the same; a route that is not here
// does not start.
var permissions = map[string]access{
	"POST /v1/users":                        {scope: usersWrite},
	"PUT /v1/users/{id}/email":              {scope: usersWrite},
	"PATCH /v1/users/{id}":                  {scope: usersWrite, self: true},
	"POST /v1/users/{id}/suspend":           {scope: usersAdmin},
	"POST /v1/users/{id}/reactivate":        {scope: usersAdmin},
	"POST /v1/users/{id}/restore":           {scope: usersAdmin},
	"PUT /v1/users/{id}/roles/{role}":       {scope: usersAdmin},
	"DELETE /v1/users/{id}/roles/{role}":    {scope: usersAdmin},
	"DELETE /v1/users/{id}":                 {scope: usersAdmin},
	"GET /v1/users/{id}":                    {scope: usersRead, self: true},
	"GET /v1/users":                         {scope: usersRead},
	"GET /v1/users/{id}/history":            {scope: usersRead},
	"GET /v1/users/{id}/diff":               {scope: usersRead},
	"GET /v1/users/{id}/events":             {scope: usersRead},
	"GET /v1/changes":                       {scope: usersRead},
	"GET /v1/events":                        {scope: eventsRead},
	"POST /v1/events":                       {scope: eventsWrite},
	"GET /v1/projections":                   {scope: ops},
	"GET /v1/projections/{name}":            {scope: ops},
	"POST /v1/projections/{name}/rebuild":   {scope: ops},
	"DELETE /v1/projections/{name}/rebuild": {scope: ops},
	"GET /v1/dead-letters":                  {scope: ops},
	"GET /v1/dead-letters/{id}/event":       {scope: ops},
	"POST /v1/dead-letters/retry":           {scope: ops},
	"POST /v1/dead-letters/{id}/retry":      {scope: ops},
	"POST /v1/dead-letters/{id}/skip":       {scope: ops},
	"GET /v1/system":                        {scope: ops},
	"GET /livez":                            open,
	"GET /readyz":                           open,
	"GET /openapi.yaml":                     open,
	"GET /openapi.json":                     open,
	"GET /problems/{code}":                  open,
	"GET /docs":                             open,
	"GET /docs/{file}":                      open,
}

// operationOf names what a request does. HEAD is GET without the answer.
func operationOf(method, pattern string) string {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	return method + " " + pattern
}

// checkPermissions makes sure that each route has its entry, and each entry its route.
func checkPermissions(routes chi.Routes) error {
	var errs []error
	seen := map[string]bool{}
	err := chi.Walk(routes, func(method, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		operation := operationOf(method, pattern)
		if _, ok := permissions[operation]; !ok {
			errs = append(errs, fmt.Errorf("nothing says who may %s", operation))
		}
		seen[operation] = true
		return nil
	})
	for operation := range permissions {
		if !seen[operation] {
			errs = append(errs, fmt.Errorf("there is no route %s", operation))
		}
	}
	return errors.Join(append(errs, err)...)
}

// authorize finds out who asks, and whether that is allowed. It looks at nothing but the request and the caller's own token,
// so that a caller who may see one user alone learns nothing of others, by the answer or by its time.
func (a *api) authorize(w http.ResponseWriter, r *http.Request) (auth.Caller, error) {
	if a.verifier == nil {
		return auth.Caller{}, nil
	}
	token, err := bearer(r.Header)
	if err != nil {
		return auth.Caller{}, err
	}
	ctx, cancel := within(r, readTimeout) // its keys may have to be fetched
	defer cancel()
	caller, err := a.verifier.Verify(ctx, token)
	if refused := new(auth.Refusal); errors.As(err, &refused) {
		return caller, &problem{code: "unauthenticated", detail: "The token is refused: " + refused.Why + ".", challenge: `error="invalid_token"`}
	}
	if err != nil {
		return caller, fmt.Errorf("%w: %w", errNobodyKnown, err)
	}
	if a.quotas != nil {
		if err := a.quotas.callers.spend(w, r, caller.Subject); err != nil {
			return caller, err
		}
	}
	needed := permissions[operationOf(r.Method, r.Pattern)]
	if caller.Has(needed.scope) || needed.self && caller.Has(usersSelf) && strings.EqualFold(chi.URLParam(r, "id"), caller.Subject) {
		return caller, nil
	}
	return caller, &problem{code: "forbidden", detail: "The token does not allow this: it takes the scope " + needed.scope + ".",
		challenge: `error="insufficient_scope", scope="` + needed.scope + `"`}
}

var errNobodyKnown = errors.New("callers cannot be told")

// bearer reads the token, which comes in the header or not at all (RFC 6750 has other ways, which end up in logs).
func bearer(h http.Header) (string, error) {
	values := h["Authorization"]
	if len(values) == 0 {
		return "", &problem{code: "unauthenticated", detail: "A bearer token is needed, in the header Authorization."}
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	if len(values) > 1 || !ok || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", &problem{code: "unauthenticated", detail: "The header Authorization must be Bearer and one token.", challenge: `error="invalid_request"`}
	}
	return token, nil
}
