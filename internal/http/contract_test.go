package httpapi_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"

	"github.com/usersvc/usersvc"
)

var document = sync.OnceValues(func() (*openapi3.T, error) {
	return openapi3.NewLoader().LoadFromData(usersvc.OpenAPI)
})

func contract(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// verify holds an answer against openapi.yaml: its status, its headers, its media type and its body.
func verify(t *testing.T, method, path string, got answer) {
	t.Helper()
	described := describedAnswer(t, method, path, got)
	if described == nil {
		t.Errorf("%s %s: openapi.yaml does not describe %d: %s", method, path, got.Status, got.Body)
		return
	}
	verifyHeaders(t, described, got)
	if method != http.MethodHead {
		verifyBody(t, described, got)
	}
	if t.Failed() {
		t.Logf("%s %s: %d %v\n%s", method, path, got.Status, got.Header, got.Body)
	}
}

func describedAnswer(t *testing.T, method, path string, got answer) *openapi3.Response {
	t.Helper()
	components := contract(t).Components
	item := pathItem(contract(t), path)
	switch {
	case item == nil:
		return components.Responses["RouteNotFound"].Value
	case got.Status == http.StatusMethodNotAllowed:
		return components.Responses["MethodNotAllowed"].Value
	case method == http.MethodHead:
		method = http.MethodGet
	}
	operation := item.GetOperation(method)
	if operation == nil {
		return nil
	}
	if r := operation.Responses.Status(got.Status); r != nil {
		return r.Value
	}
	return nil
}

// pathItem finds the template that a path fits, the one with fewer variables first.
func pathItem(doc *openapi3.T, path string) *openapi3.PathItem {
	if item := doc.Paths.Value(path); item != nil {
		return item
	}
	for template, item := range doc.Paths.Map() {
		if fits(strings.Split(template, "/"), strings.Split(path, "/")) {
			return item
		}
	}
	return nil
}

func fits(template, path []string) bool {
	if len(template) != len(path) {
		return false
	}
	for i, segment := range template {
		if segment != path[i] && !strings.HasPrefix(segment, "{") {
			return false
		}
	}
	return true
}

// Headers that belong to HTTP and not to the contract.
var transport = map[string]bool{
	"Content-Type": true, "Content-Encoding": true, "Content-Security-Policy": true, "Cache-Control": true, "Vary": true,
	"X-Content-Type-Options": true, "Ratelimit": true, "Ratelimit-Policy": true, "Content-Length": true, "Date": true,
}

func verifyHeaders(t *testing.T, described *openapi3.Response, got answer) {
	t.Helper()
	known := map[string]bool{}
	for name, header := range described.Headers {
		known[http.CanonicalHeaderKey(name)] = true
		text := got.Header.Get(name)
		if text == "" {
			if header.Value.Required {
				t.Errorf("the header %s is missing", name)
			}
			continue
		}
		if err := accepts(header.Value.Schema.Value, typed(header.Value.Schema.Value, text)); err != nil {
			t.Errorf("the header %s: %v", name, err)
		}
	}
	for name := range got.Header {
		if !known[name] && !transport[name] {
			t.Errorf("openapi.yaml does not describe the header %s of %d", name, got.Status)
		}
	}
}

// typed is the value that a header's text stands for.
func typed(schema *openapi3.Schema, text string) any {
	var value any = text
	if schema.Type.Is("integer") || schema.Type.Is("boolean") {
		_ = json.Unmarshal([]byte(text), &value) // if it is neither, the text does not fit the schema
	}
	return value
}

func verifyBody(t *testing.T, described *openapi3.Response, got answer) {
	t.Helper()
	if len(described.Content) == 0 {
		if len(got.Body) > 0 {
			t.Errorf("a body where none is described: %s", got.Body)
		}
		return
	}
	mediaType, _, _ := strings.Cut(got.Header.Get("Content-Type"), ";")
	content := described.Content[mediaType]
	if content == nil {
		t.Errorf("openapi.yaml does not describe %q for %d", mediaType, got.Status)
		return
	}
	var value any = string(got.Body)
	switch mediaType {
	case "application/json", "application/problem+json":
		value = decodeJSON(t, got.Body)
	case "application/yaml":
		if err := yaml.Unmarshal(got.Body, &value); err != nil {
			t.Errorf("the body: %v", err)
		}
	}
	if err := accepts(content.Schema.Value, value); err != nil {
		t.Errorf("the body: %v", err)
	}
	if problem, ok := value.(map[string]any); ok && mediaType == "application/problem+json" {
		verifyProblem(t, content, problem, got)
	}
}

// verifyProblem also knows that the examples of a response are all the codes that it may have.
func verifyProblem(t *testing.T, content *openapi3.MediaType, problem map[string]any, got answer) {
	t.Helper()
	code, _ := problem["code"].(string)
	if content.Examples[code] == nil {
		t.Errorf("openapi.yaml does not name the code %q for %d", code, got.Status)
	}
	want := map[string]any{"type": "/problems/" + code, "status": float64(got.Status), "requestId": got.Header.Get("X-Request-Id")}
	for member, value := range want {
		if problem[member] != value {
			t.Errorf("%s is %v, want %v", member, problem[member], value)
		}
	}
	if after, ok := problem["retryAfter"].(float64); ok && strconv.Itoa(int(after)) != got.Header.Get("Retry-After") {
		t.Errorf("retryAfter is %v, and the header says %q", after, got.Header.Get("Retry-After"))
	}
}

func accepts(schema *openapi3.Schema, value any) error {
	return schema.VisitJSON(value, openapi3.EnableJSONSchema2020(), openapi3.MultiErrors())
}

func decodeJSON(t *testing.T, body []byte) any {
	t.Helper()
	var value any
	decoder := json.NewDecoder(bytes.NewReader(body))
	if err := decoder.Decode(&value); err != nil {
		t.Errorf("the body is no JSON: %v: %q", err, body)
	}
	if decoder.More() {
		t.Errorf("something follows the body: %q", body)
	}
	return value
}
