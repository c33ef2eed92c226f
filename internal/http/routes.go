package httpapi

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
)

// routes is the contract: every route, and after its handler the query parameters that it takes.
func (a *api) routes(c Config, docs contract) chi.Router {
	mux := chi.NewRouter()
	mux.Use(a.observe)
	mux.Use(cross(c.CORSOrigins)...)
	mux.Use(a.whole)
	mux.NotFound(a.serve(routeNotFound))
	mux.MethodNotAllowed(a.serve(methodNotAllowed))

	v1 := mux.With(a.limits()...)
	if c.LocalOnly {
		v1 = v1.With(a.local)
	}
	a.commands(v1, newGate(commandsAtOnce))
	get(v1, "/v1/users/{id}", a.read(newGate(readsAtOnce).then(a.user), "as_of", "version", "at_position"))

	zipped := v1.With(zip("application/json")...)
	lists := newGate(listsAtOnce)
	get(zipped, "/v1/users", a.read(lists.then(a.list), "email", "id", "status", "role", "q", "created_after", "created_before",
		"sort", "limit", "cursor", "count", "min_position", "as_of", "at_position"))
	streams := newGate(listsAtOnce) // of one user: they wait for no projection, and for none who does
	get(zipped, "/v1/users/{id}/history", a.read(streams.then(a.history), "limit", "cursor", "order"))
	get(zipped, "/v1/users/{id}/diff", a.read(lists.then(a.diff), "from", "to"))
	get(zipped, "/v1/changes", a.read(lists.then(a.changes), "from", "to", "fields", "order", "limit", "cursor"))
	get(zipped, "/v1/users/{id}/events", a.read(streams.then(a.events), "after_version", "limit", "cursor"))
	get(zipped, "/v1/events", a.read(a.feedEvents, "after", "since", "limit", "types", "user_id", "correlation_id", "actor", "wait"))
	get(zipped, "/v1/projections", a.read(a.projections))
	get(zipped, "/v1/projections/{name}", a.read(a.projection))
	v1.Post("/v1/projections/{name}/rebuild", a.read(a.rebuild))
	v1.Delete("/v1/projections/{name}/rebuild", a.read(a.cancelRebuild))
	get(zipped, "/v1/dead-letters", a.read(a.deadLetters, "projection", "state", "limit", "cursor"))
	get(zipped, "/v1/dead-letters/{id}/event", a.read(a.deadLetter))
	v1.Post("/v1/dead-letters/retry", a.read(a.retryDeadLetters))
	v1.Post("/v1/dead-letters/{id}/retry", a.read(a.retryDeadLetter))
	v1.Post("/v1/dead-letters/{id}/skip", a.read(a.skipDeadLetter))
	get(zipped, "/v1/system", a.read(a.showSystem))

	get(mux, "/livez", a.plain(live))
	get(mux, "/readyz", a.plain(a.readiness))
	pages := mux.With(zip("application/json", "application/yaml", "text/html", "text/css", "text/javascript")...)
	get(pages, "/openapi.yaml", a.plain(docs.yaml))
	get(pages, "/openapi.json", a.plain(docs.json))
	get(pages, "/problems/{code}", a.plain(problemPage))
	get(pages, "/docs", a.plain(showReference))
	get(pages, "/docs/{file}", a.plain(showReference))
	return mux
}

func (a *api) commands(r chi.Router, g gate) {
	r.Post("/v1/users", a.command(g, createUser))
	r.Put("/v1/users/{id}/email", a.command(g, changeEmail))
	r.Patch("/v1/users/{id}", a.command(g, changeProfile))
	r.Post("/v1/users/{id}/suspend", a.command(g, suspend))
	r.Post("/v1/users/{id}/reactivate", a.command(g, reactivate))
	r.Post("/v1/users/{id}/restore", a.command(g, restore))
	r.Put("/v1/users/{id}/roles/{role}", a.command(g, grantRole))
	r.Delete("/v1/users/{id}/roles/{role}", a.command(g, revokeRole))
	r.Delete("/v1/users/{id}", a.command(g, deleteUser, "reason"))
	r.Post("/v1/events", a.read(a.takeEvents(g)))
}

// get answers HEAD as well, wherever it answers GET.
func get(r chi.Router, pattern string, h http.HandlerFunc) {
	r.Get(pattern, h)
	r.Head(pattern, h)
}

var errNoRoute = &problem{code: "route_not_found", detail: "There is nothing at this path."}

func routeNotFound(http.ResponseWriter, *http.Request) error { return errNoRoute }

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}

// whole turns a path away that has an empty segment, which to the router would be an id like others.
func (a *api) whole(next http.Handler) http.Handler {
	refuse := a.serve(routeNotFound)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path := spelled(r); strings.Contains(path, "//") || strings.HasSuffix(path, "/") {
			refuse(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// spelled is the path as the router looks at it: as it was sent when it has a spelling of its own.
func spelled(r *http.Request) string {
	if r.URL.RawPath != "" {
		return r.URL.RawPath
	}
	return r.URL.Path
}

// methodNotAllowed is also asked about methods that no route has, and then about any path.
func methodNotAllowed(w http.ResponseWriter, r *http.Request) error {
	path := spelled(r)
	routes := chi.RouteContext(r.Context()).Routes
	var allowed []string
	for _, m := range methods {
		if routes.Match(chi.NewRouteContext(), m, path) {
			allowed = append(allowed, m)
		}
	}
	if len(allowed) == 0 {
		return errNoRoute
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return &problem{code: "method_not_allowed", detail: "The header Allow lists the methods that this path takes."}
}
