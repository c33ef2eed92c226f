package httpapi

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"

	"github.com/go-chi/chi/v5"
)

const pageStyle = `body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}code{font-size:1.1em}`

var pageTemplate = template.Must(template.New("problem").Parse(`<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Title}}</title><style>` + pageStyle + `</style></head>
<body>
<h1>{{.Title}}</h1>
<p><code>{{.Code}}</code>, status {{.Status}}</p>
<p>{{.Meaning}}</p>
</body>
</html>
`))

// The page may use its own style and nothing else, wherever it is from.
var pagePolicy = func() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// problemPage tells a person what a code means: the type of a problem leads here.
func problemPage(w http.ResponseWriter, r *http.Request) error {
	code := chi.URLParam(r, "code")
	k, known := kinds[code]
	if !known {
		return errNoRoute
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Cache-Control", documentCaching)
	return pageTemplate.Execute(w, struct {
		Title, Code, Meaning string
		Status               int
	}{k.title, code, k.meaning, k.status})
}
