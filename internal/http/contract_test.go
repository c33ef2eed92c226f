package httpapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"
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
	wrong := wrongHeaders(described, got)
	if method != http.MethodHead {
		wrong = append(wrong, wrongBody(described, got)...)
	}
	if len(wrong) > 0 {
		t.Errorf("%s %s: %d %v\n%s\n%v", method, path, got.Status, got.Header, got.Body, errors.Join(wrong...))
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
		if variable := strings.HasPrefix(segment, "{"); segment != path[i] && (!variable || path[i] == "") {
			return false
		}
	}
	return true
}

// Headers that belong to HTTP and not to the contract.
var transport = map[string]bool{
	"Content-Type": true, "Content-Encoding": true, "Content-Security-Policy": true, "Cache-Control": true, "Vary": true,
	"X-Content-Type-Options": true, "Ratelimit": true, "Ratelimit-Policy": true, "Content-Length": true, "Date": true,
	"X-Accel-Buffering": true,
}

func wrongHeaders(described *openapi3.Response, got answer) (wrong []error) {
	known := map[string]bool{}
	for name, header := range described.Headers {
		known[http.CanonicalHeaderKey(name)] = true
		text := got.Header.Get(name)
		if text == "" {
			if header.Value.Required {
				wrong = append(wrong, fmt.Errorf("the header %s is missing", name))
			}
			continue
		}
		if err := accepts(header.Value.Schema.Value, typed(header.Value.Schema.Value, text)); err != nil {
			wrong = append(wrong, fmt.Errorf("the header %s: %w", name, err))
		}
	}
	for name := range got.Header {
		if !known[name] && !transport[name] {
			wrong = append(wrong, fmt.Errorf("openapi.yaml does not describe the header %s", name))
		}
	}
	return wrong
}

// typed is the value that a header's text stands for.
func typed(schema *openapi3.Schema, text string) any {
	var value any = text
	if schema.Type.Is("integer") || schema.Type.Is("boolean") {
		_ = json.Unmarshal([]byte(text), &value) // if it is neither, the text does not fit the schema
	}
	return value
}

func wrongBody(described *openapi3.Response, got answer) (wrong []error) {
	if len(described.Content) == 0 {
		if len(got.Body) > 0 {
			wrong = append(wrong, errors.New("a body where none is described"))
		}
		return wrong
	}
	mediaType, _, _ := strings.Cut(got.Header.Get("Content-Type"), ";")
	content := described.Content[mediaType]
	if content == nil {
		return []error{fmt.Errorf("openapi.yaml does not describe %q here", mediaType)}
	}
	value, err := parsed(mediaType, got.Body)
	if err == nil {
		err = accepts(content.Schema.Value, value)
	}
	if err != nil {
		wrong = append(wrong, fmt.Errorf("the body: %w", err))
	}
	if problem, ok := value.(map[string]any); ok && mediaType == "application/problem+json" {
		wrong = append(wrong, wrongProblem(content, problem, got)...)
	}
	return wrong
}

func parsed(mediaType string, body []byte) (value any, err error) {
	switch mediaType {
	case "application/json", "application/problem+json":
		err = json.Unmarshal(body, &value)
	case "application/yaml":
		err = yaml.Unmarshal(body, &value)
	default:
		value = string(body)
	}
	return value, err
}

// wrongProblem also knows that the examples of a response are all the codes that it may have.
func wrongProblem(content *openapi3.MediaType, problem map[string]any, got answer) (wrong []error) {
	code, _ := problem["code"].(string)
	if content.Examples[code] == nil {
		wrong = append(wrong, fmt.Errorf("openapi.yaml does not name the code %q here", code))
	}
	want := map[string]any{"type": "/problems/" + code, "status": float64(got.Status), "requestId": got.Header.Get("X-Request-Id")}
	for member, value := range want {
		if problem[member] != value {
			wrong = append(wrong, fmt.Errorf("%s is %v, want %v", member, problem[member], value))
		}
	}
	if after, ok := problem["retryAfter"].(float64); ok && strconv.Itoa(int(after)) != got.Header.Get("Retry-After") {
		wrong = append(wrong, fmt.Errorf("retryAfter is %v, and the header says %q", after, got.Header.Get("Retry-After")))
	}
	return wrong
}

// Compiling a schema takes a hundred times as long as holding a value against it.
var compiled sync.Map // *openapi3.Schema → *jsonschema.Schema

// accepts holds a value against a schema by JSON Schema 2020-12.
func accepts(schema *openapi3.Schema, value any) error {
	known, ok := compiled.Load(schema)
	if !ok {
		var err error
		if known, err = compile(schema); err != nil {
			return err
		}
		compiled.Store(schema, known)
	}
	return known.(*jsonschema.Schema).Validate(value)
}

// compile puts the components beside a schema, where its references lead.
func compile(schema *openapi3.Schema) (*jsonschema.Schema, error) {
	doc, err := document()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(map[string]any{"allOf": []any{schema}, "components": map[string]any{"schemas": doc.Components.Schemas}})
	if err != nil {
		return nil, err
	}
	resource, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("schema.json", resource); err != nil {
		return nil, err
	}
	return compiler.Compile("schema.json")
}
