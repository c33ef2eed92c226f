package usersvc_test

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/usersvc/usersvc"
)

const problemJSON = "application/problem+json"

// Loading fails when a reference leads nowhere.
var load = sync.OnceValues(func() (*openapi3.T, error) {
	return openapi3.NewLoader().LoadFromData(usersvc.OpenAPI)
})

// document is the contract. All tests share it, so none may change it.
func document(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := load()
	if err != nil {
		t.Fatalf("load openapi.yaml: %v", err)
	}
	return doc
}

func eachOperation(t *testing.T, check func(*testing.T, *openapi3.Operation)) {
	t.Helper()
	for path, item := range document(t).Paths.Map() {
		for method, operation := range item.Operations() {
			t.Run(method+" "+path, func(t *testing.T) { check(t, operation) })
		}
	}
}

// Validate also holds each example of a parameter, a body and a schema
// against its schema.
func TestDocumentIsValid(t *testing.T) {
	doc := document(t)
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		t.Errorf("openapi is %s, want 3.1", doc.OpenAPI)
	}
	if err := doc.Validate(t.Context(), openapi3.EnableMultiError()); err != nil {
		t.Error(err)
	}
}

func TestWrongExampleIsNoticed(t *testing.T) {
	for _, change := range []struct{ from, to string }{
		{"value: {reason: Sent spam", "value: {why: Sent spam"}, // a request's
		{"followerCount: 0, version: 8,", "followerCount: 0, version: 0,"},
		{"code: email_taken\n", "code: email_given\n"},
		{"data: {newEmail: ada@", "data: {email: ada@"},
		{"example: -createdAt", "example: createdat"}, // a parameter's
	} {
		before := string(usersvc.OpenAPI)
		after := strings.Replace(before, change.from, change.to, 1)
		if after == before {
			t.Fatalf("%q is not in the document", change.from)
		}
		doc, err := openapi3.NewLoader().LoadFromData([]byte(after))
		if err != nil {
			t.Fatal(err)
		}
		if doc.Validate(t.Context()) == nil {
			t.Errorf("nobody noticed %q", change.to)
		}
	}
}

// Validate leaves the examples of headers alone.
func TestHeaderExamplesMatchTheirSchemas(t *testing.T) {
	headers := maps.Clone(document(t).Components.Headers)
	eachOperation(t, func(_ *testing.T, operation *openapi3.Operation) {
		for status, response := range operation.Responses.Map() {
			for name, header := range response.Value.Headers {
				headers[operation.OperationID+" "+status+" "+name] = header
			}
		}
	})
	for name, header := range headers {
		if err := accepts(header.Value.Schema.Value, header.Value.Example); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOperationsAreDescribed(t *testing.T) {
	seen := map[string]bool{}
	eachOperation(t, func(t *testing.T, operation *openapi3.Operation) {
		id := operation.OperationID
		if id == "" || seen[id] {
			t.Errorf("operationId %q is empty or not the only one", id)
		}
		seen[id] = true
		if operation.Summary == "" || operation.Description == "" || len(operation.Tags) != 1 {
			t.Error("want a summary, a description and one tag")
		}
		for _, parameter := range operation.Parameters {
			if parameter.Value.Description == "" {
				t.Errorf("parameter %s has no description", parameter.Value.Name)
			}
		}
	})
}

func TestBodiesHaveExamples(t *testing.T) {
	eachOperation(t, func(t *testing.T, operation *openapi3.Operation) {
		if body := operation.RequestBody; body != nil {
			checkExamples(t, "request", body.Value.Content)
		}
		for status, response := range operation.Responses.Map() {
			checkExamples(t, status, response.Value.Content)
		}
	})
}

func checkExamples(t *testing.T, where string, content openapi3.Content) {
	t.Helper()
	for mediaType, body := range content {
		if len(body.Examples) == 0 {
			t.Errorf("%s: %s has no example", where, mediaType)
		}
		for name, example := range body.Examples {
			if example.Value.Summary == "" || example.Value.Value == nil {
				t.Errorf("%s: example %s has no summary or no value", where, name)
			}
		}
	}
}

func TestEveryResponseCarriesItsRequestID(t *testing.T) {
	eachOperation(t, func(t *testing.T, operation *openapi3.Operation) {
		for status, response := range operation.Responses.Map() {
			if id := response.Value.Headers["X-Request-Id"]; id == nil || !id.Value.Required {
				t.Errorf("%s: X-Request-Id is not required", status)
			}
		}
	})
}

func TestEveryOperationSaysHowItFails(t *testing.T) {
	eachOperation(t, func(t *testing.T, operation *openapi3.Operation) {
		for _, status := range []int{400, 500} {
			if response := operation.Responses.Status(status); response == nil || response.Value.Content[problemJSON] == nil {
				t.Errorf("no problem document for %d", status)
			}
		}
	})
}

// The HTTP tests take the names of the examples for the list of the codes
// that a response may have, so the names must be right and no code may be
// missing.
func TestProblemExamplesAreNamedByTheirCode(t *testing.T) {
	doc, seen := document(t), map[string]bool{}
	check := func(t *testing.T, status string, response *openapi3.ResponseRef) {
		problems := response.Value.Content[problemJSON]
		if problems == nil {
			return
		}
		for name, example := range problems.Examples {
			seen[name] = true
			value := example.Value.Value.(map[string]any)
			got := []any{value["code"], value["type"], value["status"]}
			number, _ := strconv.ParseFloat(status, 64)
			if diff := cmp.Diff([]any{name, "/problems/" + name, number}, got); diff != "" {
				t.Errorf("example %s of %s (-want +got):\n%s", name, status, diff)
			}
		}
	}
	check(t, "405", doc.Components.Responses["MethodNotAllowed"])
	eachOperation(t, func(t *testing.T, operation *openapi3.Operation) {
		for status, response := range operation.Responses.Map() {
			check(t, status, response)
		}
	})
	var codes []string
	for _, code := range doc.Components.Schemas["Problem"].Value.Properties["code"].Value.Enum {
		codes = append(codes, code.(string))
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(codes)), slices.Sorted(maps.Keys(seen))); diff != "" {
		t.Errorf("codes (-in the enum +in examples):\n%s", diff)
	}
}

// A member that nobody has described must be noticed.
func TestObjectsAreClosed(t *testing.T) {
	doc := document(t)
	open := []*openapi3.Schema{
		doc.Components.Schemas["EventEnvelope"].Value,        // closed by the events made of it
		doc.Components.Schemas["CloudEventAttributes"].Value, // this, too
		doc.Components.Schemas["OpenAPIDocument"].Value,      // described elsewhere
		doc.Components.Schemas["FeedData"].Value,             // of events that are not known yet, too
	}
	isFalse := func(b openapi3.BoolSchema) bool { return b.Has != nil && !*b.Has }
	err := doc.WalkSchemas(func(at string, schema *openapi3.SchemaRef) error {
		s := schema.Value
		closed := isFalse(s.AdditionalProperties) || isFalse(s.UnevaluatedProperties)
		if s.Type.Is("object") && !closed && !slices.Contains(open, s) {
			t.Errorf("%s is open", at)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

var reference = regexp.MustCompile(`'#/components/([a-z]+/\w+)'`)

func TestNoComponentIsLeftOver(t *testing.T) {
	// The answer to a request that is no operation.
	used := map[string]bool{"responses/MethodNotAllowed": true}
	for _, match := range reference.FindAllStringSubmatch(string(usersvc.OpenAPI), -1) {
		used[match[1]] = true
	}
	c := document(t).Components
	checkUsed(t, used, "parameters", c.Parameters)
	checkUsed(t, used, "headers", c.Headers)
	checkUsed(t, used, "responses", c.Responses)
	checkUsed(t, used, "schemas", c.Schemas)
	checkUsed(t, used, "examples", c.Examples)
}

func checkUsed[Component any](t *testing.T, used map[string]bool, kind string, components map[string]Component) {
	t.Helper()
	for name := range components {
		if !used[kind+"/"+name] {
			t.Errorf("nothing refers to %s/%s", kind, name)
		}
	}
}
