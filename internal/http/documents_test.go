package httpapi_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/usersvc/usersvc"
	httpapi "github.com/usersvc/usersvc/internal/http"
)

func TestRoutesAreThoseOfTheContract(t *testing.T) {
	s := boot(t)
	var have, want []string
	err := chi.Walk(s.handler.(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		have = append(have, method+" "+route)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range contract(t).Paths.Map() {
		for method := range item.Operations() {
			want = append(want, method+" "+path)
			if method == "GET" {
				want = append(want, "HEAD "+path)
			}
		}
	}
	slices.Sort(have)
	slices.Sort(want)
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("-openapi.yaml +router:\n%s", diff)
	}
}

// Every parameter of the contract is known to its route, and no other.
func TestParametersAreThoseOfTheContract(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	for template, item := range contract(t).Paths.Map() {
		get := item.Get
		if get == nil {
			continue
		}
		target := strings.NewReplacer("/v1/users/{id}", path, "{name}", "user_profiles", "{code}", "internal").Replace(template)
		for _, p := range get.Parameters {
			if p.Value.In != "query" {
				continue
			}
			got := s.send(t, "GET", target+"?"+p.Value.Name+"=%00", "")
			if problem := string(got.Body); got.Status != 400 || strings.Contains(problem, "is not a parameter") {
				t.Errorf("%s does not know %s: %s", template, p.Value.Name, problem)
			}
		}
		s.want(t, 400, "invalid_parameter", "GET", target+"?unknown=1", "")
	}
}

func TestDocuments(t *testing.T) {
	s := boot(t)
	inYAML := s.want(t, 200, "", "GET", "/openapi.yaml", "")
	if string(inYAML.Body) != string(usersvc.OpenAPI) {
		t.Error("/openapi.yaml is not openapi.yaml")
	}
	var want, got any
	if err := yaml.Unmarshal(inYAML.Body, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(s.want(t, 200, "", "GET", "/openapi.json", "").Body, &got); err != nil {
		t.Fatal(err)
	}
	normal, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(normal, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-YAML +JSON:\n%s", diff)
	}
}

func TestBrokenContractIsNotServed(t *testing.T) {
	if _, err := httpapi.New(httpapi.Config{CursorKey: make([]byte, 32), OpenAPI: []byte("openapi: [")}); err == nil {
		t.Error("New takes what is not YAML")
	}
	if _, err := httpapi.New(httpapi.Config{CursorKey: make([]byte, 31)}); err == nil {
		t.Error("New takes a key that is too short")
	}
}

func TestEveryProblemHasItsPage(t *testing.T) {
	s := boot(t)
	for _, code := range contract(t).Components.Schemas["Problem"].Value.Properties["code"].Value.Enum {
		got := s.want(t, 200, "", "GET", "/problems/"+code.(string), "")
		if !strings.Contains(string(got.Body), "<code>"+code.(string)+"</code>") {
			t.Errorf("%s: %s", code, got.Body)
		}
		policy := got.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: the policy is %q", code, policy)
		}
		for _, other := range []string{"http://", "https://", "<script", "src=", "href="} {
			if strings.Contains(string(got.Body), other) {
				t.Errorf("%s: the page is not self-contained: %q", code, other)
			}
		}
	}
}

func TestReadiness(t *testing.T) {
	for name, row := range map[string]struct {
		state  httpapi.Readiness
		status int
		want   string
	}{
		"ready":   {ready(t.Context()), 200, `{"status":"ready","database":"ok","schema":{"current":3,"latest":3},"warnings":[]}`},
		"lagging": {httpapi.Readiness{Ready: true, Database: true, SchemaCurrent: 3, SchemaLatest: 3, Warnings: []string{"behind"}}, 200, `{"status":"ready","database":"ok","schema":{"current":3,"latest":3},"warnings":["behind"]}`},
		"away":    {httpapi.Readiness{SchemaLatest: 3}, 503, `{"status":"unavailable","database":"unreachable","schema":{"current":null,"latest":3},"warnings":[]}`},
		"old":     {httpapi.Readiness{Database: true, SchemaCurrent: 2, SchemaLatest: 3}, 503, `{"status":"unavailable","database":"ok","schema":{"current":2,"latest":3},"warnings":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := boot(t, func(c *httpapi.Config) {
				c.Ready = func(context.Context) httpapi.Readiness { return row.state }
			})
			got := s.want(t, row.status, "", "GET", "/readyz", "")
			if diff := cmp.Diff(row.want, string(got.Body)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestProjections(t *testing.T) {
	s, position := people(t)
	one := s.want(t, 200, "", "GET", "/v1/projections/user_profiles", "").json(t)
	for member, want := range map[string]any{"name": "user_profiles", "status": "live", "lagEvents": 0.0, "lagSeconds": 0.0, "parked": 0.0, "lastError": nil} {
		if one[member] != want {
			t.Errorf("%s is %v, want %v", member, one[member], want)
		}
	}
	if head, _ := json.Marshal(one["head"]); string(head) != position {
		t.Errorf("head is %s, want %s", head, position)
	}
	all := s.want(t, 200, "", "GET", "/v1/projections", "").json(t)["data"].([]any)
	if len(all) != 1 || !cmp.Equal(slices.Sorted(maps.Keys(one)), slices.Sorted(maps.Keys(all[0].(map[string]any)))) {
		t.Errorf("%v", all)
	}
	s.stopRelay()
	s.create(t, "late@example.com")
	if late := s.want(t, 200, "", "GET", "/v1/projections/user_profiles", "").json(t); late["lagEvents"] != 1.0 || late["lagSeconds"] == 0.0 {
		t.Errorf("%v", late)
	}
	s.want(t, 404, "projection_not_found", "GET", "/v1/projections/nothing", "")
}
