package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/usersvc/usersvc"
	"github.com/usersvc/usersvc/internal/pgtest"
)

const authentication = "docs/authentication.md"

// The page is followed from top to bottom: tokens, a service that believes them, and callers.
func TestAuthenticationIsAsPrinted(t *testing.T) {
	t.Parallel()
	folder, onPath := t.TempDir(), programOnPath(t)
	blocks := blocksOf(t, authentication)
	if len(blocks) != 4 {
		t.Fatalf("the page has %d blocks", len(blocks))
	}
	bash(t, "cd '"+folder+"'\n"+blocks[0].text, onPath)
	start := strings.TrimSuffix(strings.TrimSpace(blocks[1].text), " usersvc serve")
	p := serve(t, folder, append(strings.Fields(start), "DATABASE_URL="+pgtest.DB(t).URL)...)
	said := bash(t, "cd '"+folder+"'\n"+strings.ReplaceAll(blocks[2].text, "http://127.0.0.1:8080", p.url))
	if diff := cmp.Diff(blocks[3].text, said); diff != "" {
		t.Errorf("(-printed +said):\n%s", diff)
	}
}

var scopeRow = regexp.MustCompile("(?m)^\\| `([a-z]+(?::[a-z]+)?)` \\| (`(?:GET|POST|PUT|PATCH|DELETE) .*) \\|$")

func TestAuthenticationListsTheScopes(t *testing.T) {
	t.Parallel()
	document, err := openapi3.NewLoader().LoadFromData(usersvc.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{}
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			if operation.Security == nil {
				continue
			}
			for _, requirement := range *operation.Security {
				for _, scope := range requirement["bearer"] {
					want[scope] = append(want[scope], "`"+method+" "+path+"`")
				}
			}
		}
	}
	got := map[string][]string{}
	for _, row := range scopeRow.FindAllStringSubmatch(read(t, authentication), -1) {
		got[row[1]] = strings.Split(row[2], ", ")
	}
	for _, lists := range []map[string][]string{want, got} {
		for _, operations := range lists {
			slices.Sort(operations)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("openapi.yaml (-) and the page (+):\n%s", diff)
	}
}
