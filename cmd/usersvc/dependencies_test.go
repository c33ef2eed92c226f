package main_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	requirement = regexp.MustCompile(`(?m)^(?:require )?\t?(\S+) v\S+$`) // one that came along has a comment behind it
	tool        = regexp.MustCompile(`(?m)^tool (\S+)/cmd/`)
	explanation = regexp.MustCompile("(?m)^\\| `(\\S+)` \\|")
)

func TestEveryDependencyIsExplained(t *testing.T) {
	t.Parallel()
	chosen := slices.Concat(firstGroups(t, requirement, "go.mod"), firstGroups(t, tool, "tools/go.mod"))
	explained := firstGroups(t, explanation, "docs/dependencies.md")
	slices.Sort(chosen)
	slices.Sort(explained)
	if diff := cmp.Diff(chosen, explained); diff != "" {
		t.Errorf("docs/dependencies.md (+) is not what go.mod and tools/go.mod require (-):\n%s", diff)
	}
}

func firstGroups(t *testing.T, pattern *regexp.Regexp, file string) []string {
	t.Helper()
	text, err := os.ReadFile(root + file)
	if err != nil {
		t.Fatal(err)
	}
	var groups []string
	for _, match := range pattern.FindAllStringSubmatch(string(text), -1) {
		groups = append(groups, match[1])
	}
	return groups
}
