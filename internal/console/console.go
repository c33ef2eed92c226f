package console

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"path"
)

// HTMX is the version of assets/htmx.min.js, from the npm package htmx.org.
const HTMX = "2.0.11"

// Sums are the SHA-256 of what is not ours, as it is here.
var Sums = map[string]string{
	"assets/htmx.min.js":  "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
	"assets/htmx-LICENSE": "d3d2456f76414f2456104660ebd65aff1c04cd7966b942bdabd63f3cdb316a38",
}

//go:embed assets/console.css assets/console.js assets/icon.svg assets/htmx.min.js
var assets embed.FS

//go:embed templates
var templates embed.FS

// Prefix is where all of it is.
const Prefix = "/console"

type console struct {
	api       http.Handler
	templates *template.Template
}

// New returns the pages, for paths that begin with Prefix. The API is asked in this process, without a connection.
func New(api http.Handler) http.Handler {
	c := &console{api, template.Must(template.New("").Funcs(functions).ParseFS(templates, "templates/*.html"))}
	mux := http.NewServeMux()
	mux.Handle("GET /console", http.RedirectHandler(Prefix+"/users", http.StatusSeeOther))
	mux.Handle("GET /console/{$}", http.RedirectHandler(Prefix+"/users", http.StatusSeeOther))
	mux.Handle("GET /console/assets/{file}", http.StripPrefix(Prefix, asset(http.FileServerFS(assets))))
	for pattern, show := range map[string]shower{
		"GET /console/users":                        showUsers,
		"GET /console/users/new":                    showNewUser,
		"POST /console/users/new":                   createUser,
		"GET /console/users/{id}":                   showUser,
		"GET /console/users/{id}/moment":            showMoment,
		"GET /console/users/{id}/diff":              showDiff,
		"POST /console/users/{id}/{command}":        carryOut,
		"GET /console/activity":                     showActivity,
		"GET /console/activity/newer":               showNewer,
		"GET /console/activity/{correlation}":       showChain,
		"GET /console/projections":                  showProjections,
		"GET /console/projections/{name}":           showProjection,
		"POST /console/projections/{name}/{change}": changeRebuild,
		"GET /console/dead-letters":                 showDeadLetters,
		"GET /console/dead-letters/{id}":            showDeadLetter,
		"POST /console/dead-letters/retry":          retryAll,
		"POST /console/dead-letters/{id}/{change}":  changeDeadLetter,
		"GET /console/system":                       showSystem,
		"GET " + Prefix + "/{anything...}":          showNothing,
		"POST " + Prefix + "/{anything...}":         showNothing,
	} {
		mux.Handle(pattern, c.page(scripted(show)))
	}
	return http.NewCrossOriginProtection().Handler(mux)
}

// shower makes a page, or a part of one.
type shower func(*visit) (view, error)

// view is what a template is given.
type view struct {
	Template string
	Title    string // of a page; a part has none
	Data     any
}

// Everything comes from here, and the pages go nowhere else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// A form is a few names.
const longestForm = 64 << 10

func (c *console) page(show shower) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, longestForm)
		v := &visit{api: c.api, Request: r}
		shown, err := show(v)
		status := http.StatusOK
		if err != nil {
			shown, status = failure(err)
		}
		header(w, "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store") // it is about people
		w.Header().Add("Vary", "HX-Request, HX-Target")
		if v.movedTo != "" {
			w.Header().Set("HX-Push-Url", v.movedTo)
		}
		if shown.Template == signIn { // is a page, whatever part of one was asked for, again and again perhaps
			w.Header().Set("HX-Retarget", "#main")
			w.Header().Set("HX-Reswap", "innerHTML")
		}
		c.write(w, r, shown, status)
	})
}

// write sends the content alone to htmx, as a success: whatever it says is to be shown, and is no fault of the page.
func (c *console) write(w http.ResponseWriter, r *http.Request, shown view, status int) {
	var content bytes.Buffer
	if err := c.templates.ExecuteTemplate(&content, shown.Template, shown.Data); err != nil {
		http.Error(w, "the page could not be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	frame := "page"
	if r.Header.Get("HX-Request") != "" {
		frame, status = "content", http.StatusOK
	}
	w.WriteHeader(status)
	_ = c.templates.ExecuteTemplate(w, frame, map[string]any{
		"Title": shown.Title, "Content": template.HTML(content.String()), "Path": r.URL.Path, //nolint:gosec // a template made it
	})
}

const signIn = "sign-in"

// failure shows what the API said. A caller whom it does not know is asked for a token.
func failure(err error) (view, int) {
	p := refusal(err)
	if p == nil {
		p = &problem{Status: http.StatusInternalServerError, Title: "The page could not be made", Detail: err.Error()}
	}
	if p.Status == http.StatusUnauthorized {
		return view{signIn, "Sign in", p}, http.StatusOK
	}
	return view{"problem", p.Title, p}, p.Status
}

func showNothing(*visit) (view, error) {
	return view{}, &problem{Status: http.StatusNotFound, Title: "Not found", Detail: "There is no such page."}
}

func header(w http.ResponseWriter, mediaType string) {
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
}

var mediaTypes = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

func asset(files http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header(w, mediaTypes[path.Ext(r.URL.Path)])
		w.Header().Set("Cache-Control", "no-cache")
		files.ServeHTTP(w, r)
	})
}
