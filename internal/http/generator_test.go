package httpapi_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// generator makes requests from a contract. Four choices in five are right, the others hostile.
type generator struct {
	*rand.Rand
	operations []operation
	ids        []string // of users that exist
}

type operation struct {
	method, path string
	parameters   openapi3.Parameters
	body         *openapi3.RequestBody // nil: takes none
}

func everyOperation(doc *openapi3.T) (all []operation) {
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			op := operation{method: method, path: path, parameters: slices.Concat(item.Parameters, o.Parameters)}
			if o.RequestBody != nil {
				op.body = o.RequestBody.Value
			}
			all = append(all, op)
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.method, b.method)) })
	return all
}

// rare operations end what the others need, or answer with the same hundred kilobytes each time.
var rare = map[string]bool{
	"DELETE /v1/users/{id}": true, "POST /v1/projections/{name}/rebuild": true, "GET /openapi.yaml": true, "GET /openapi.json": true,
	"GET /docs/{file}": true,
}

func (g *generator) request() sent {
	op := pick(g, g.operations)
	if rare[op.method+" "+op.path] && g.IntN(40) > 0 {
		return g.request()
	}
	r := sent{method: op.method, target: g.target(op)}
	if _, err := url.ParseRequestURI(r.target); err != nil {
		return g.request() // net/http refuses it before anybody else
	}
	if op.method == "GET" && g.IntN(10) == 0 {
		r.method = "HEAD"
	}
	if g.IntN(50) == 0 {
		r.method = pick(g, []string{"GET", "POST", "PUT", "PATCH", "DELETE", "BREW"})
	}
	r.headers = g.headers(op)
	if op.body != nil || g.IntN(50) == 0 {
		r.headers, r.body = g.body(op, r.headers)
	}
	return r
}

func (g *generator) target(op operation) string {
	path, query, separator := op.path, "", "?"
	for _, p := range op.parameters {
		right := func() string { return url.QueryEscape(g.text(p.Value)) }
		switch {
		case p.Value.In == openapi3.ParameterInPath:
			path = strings.Replace(path, "{"+p.Value.Name+"}", g.often(right, pathHostile), 1)
		case p.Value.In == openapi3.ParameterInQuery && (p.Value.Required || g.IntN(5) == 0):
			name := g.often(func() string { return p.Value.Name }, []string{p.Value.Name, p.Value.Name, "x", "%00", strings.ToUpper(p.Value.Name)})
			query += separator + name + "=" + g.often(right, hostile)
			separator = "&"
		}
	}
	if g.IntN(100) == 0 {
		path += pick(g, []string{"/", "//", "/x", "/%2e%2e"})
	}
	return path + query
}

func (g *generator) headers(op operation) (headers []string) {
	for _, p := range op.parameters {
		if p.Value.In == openapi3.ParameterInHeader && g.IntN(6) == 0 {
			headers = append(headers, p.Value.Name+": "+g.often(func() string { return g.text(p.Value) }, headerHostile))
		}
	}
	if g.IntN(20) == 0 {
		name := pick(g, []string{"Accept-Encoding", "Accept", "Authorization", "Origin", "Range", "X-Forwarded-For", "X-HTTP-Method-Override", "Cookie"})
		headers = append(headers, name+": "+pick(g, append(headerHostile, "gzip", "bytes=0-1", "Bearer a.b.c", "127.0.0.1", "DELETE")))
	}
	return headers
}

func (g *generator) body(op operation, headers []string) ([]string, string) {
	mediaType, right := "application/json", any(map[string]any{})
	if op.body != nil {
		mediaType = pick(g, slices.Sorted(maps.Keys(op.body.Content)))
		right = g.value("", op.body.Content[mediaType].Schema.Value)
	}
	headers = append(headers, "Content-Type: "+g.often(func() string { return mediaType }, headerHostile))
	if g.IntN(3) == 0 {
		right = g.spoilt(right)
	}
	text, err := json.Marshal(right)
	if err != nil {
		panic(err) // values that were made here
	}
	for old, raw := range rawValues {
		text = []byte(strings.ReplaceAll(string(text), old, raw))
	}
	return headers, g.often(func() string { return string(text) }, []string{string(text), string(text), string(text[:len(text)/2]), string(text) + "{}",
		"", "null", "[]", "{", `""`, deep, tooLarge, `{"email":"a","email":"b"}`})
}

// often is right four times in five.
func (g *generator) often(right func() string, hostile []string) string {
	if g.IntN(5) > 0 {
		return right()
	}
	return pick(g, hostile)
}

func pick[T any](g *generator, of []T) T { return of[g.IntN(len(of))] }
