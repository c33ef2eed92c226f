package httpapi

import (
	"net/http"
	"path"

	"github.com/go-chi/chi/v5"

	"github.com/usersvc/usersvc/internal/reference"
)

// The reference runs what it came with, and asks this service and nobody else.
const referencePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// showReference is the page, or one of the files that it is made of.
func showReference(w http.ResponseWriter, r *http.Request) error {
	name := chi.URLParam(r, "file")
	if name == "" {
		name = "index.html"
	}
	content, err := reference.Files.ReadFile(name)
	if err != nil {
		return errNoRoute
	}
	w.Header().Set("Content-Security-Policy", referencePolicy)
	return writeDocument(w, mediaTypes[path.Ext(name)], content)
}

// Not what the machine thinks: some call a script an application.
var mediaTypes = map[string]string{".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
