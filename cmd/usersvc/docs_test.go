package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What a reader of the documentation can copy is run by these tests, and what it names is there.

const (
	top           = "../../"
	readme        = "README.md"
	configuration = "docs/configuration.md"
)

// block is a fenced block of a document.
type block struct {
	language string // what stands behind the fence
	text     string
}

var fenced = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")

func blocksOf(t *testing.T, document string) []block {
	t.Helper()
	var blocks []block
	for _, match := range fenced.FindAllStringSubmatch(read(t, document), -1) {
		blocks = append(blocks, block{match[1], match[2]})
	}
	return blocks
}

func read(t *testing.T, document string) string {
	t.Helper()
	text, err := os.ReadFile(top + document)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func documents(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md", "docs/runbooks/*.md"} {
		found, err := filepath.Glob(top + pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no document matches %s (%v)", pattern, err)
		}
		for _, path := range found {
			all = append(all, strings.TrimPrefix(path, top))
		}
	}
	return all
}

func (b block) isCommand() bool { return b.language == "sh" || b.language == "sql" }
func (b block) isMake() bool    { return b.language == "sh" && strings.HasPrefix(b.text, "make ") }
func (b block) isTour() bool    { return b.language == "sh" && strings.Contains(b.text, "curl ") }

func (b block) isMove() bool {
	return b.language == "sh" && strings.HasPrefix(b.text, "usersvc export ")
}

// The other tests take a document's blocks by their kind. This one fails for a block that none of them takes.
func TestEveryCommandOfTheDocumentsIsRun(t *testing.T) {
	t.Parallel()
	for _, document := range documents(t) {
		for _, b := range blocksOf(t, document) {
			taken := document == readme && (b.isMake() || b.isTour() || b.isMove()) || document == configuration || document == tutorial && (b.isMake() || b.isTour()) || document == operations || document == authentication || strings.HasPrefix(document, runbooks)
			if b.isCommand() && !taken {
				t.Errorf("%s: no test runs this block:\n%s", document, b.text)
			}
		}
	}
}

func TestMakeTargetsOfTheReadme(t *testing.T) {
	t.Parallel()
	targets := 0
	for _, b := range append(blocksOf(t, readme), blocksOf(t, tutorial)...) {
		if !b.isMake() {
			continue
		}
		for line := range strings.Lines(b.text) {
			targets++
			command := strings.Fields(line)
			cmd := exec.CommandContext(t.Context(), command[0], append(command[1:], "--dry-run")...)
			cmd.Dir = top
			cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "MAKE") || strings.HasPrefix(v, "MFLAGS") })
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", strings.TrimSpace(line), err, out)
			}
		}
	}
	if targets < 2 {
		t.Errorf("the README shows %d make commands, want make run and make test", targets)
	}
}

var (
	link = regexp.MustCompile(`\]\(([^)#:]+)(?:#[\w-]*)?\)`) // to a file of ours: others have a colon
	file = regexp.MustCompile("`((?:[\\w.-]+/)*[\\w.-]+\\.(?:go|sql|md|mod|ya?ml))`")
)

func TestWhatTheDocumentsNameIsThere(t *testing.T) {
	t.Parallel()
	for _, document := range documents(t) {
		prose := fenced.ReplaceAllString(read(t, document), "")
		for _, match := range link.FindAllStringSubmatch(prose, -1) {
			mustExist(t, document, filepath.Join(filepath.Dir(document), match[1]))
		}
		for _, match := range file.FindAllStringSubmatch(prose, -1) {
			mustExist(t, document, match[1])
		}
	}
}

var testName = regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")

// A test that a document names as proof is there.
func TestTestsThatTheDocumentsNameAreThere(t *testing.T) {
	t.Parallel()
	var code strings.Builder
	for _, pattern := range []string{"*_test.go", "*/*_test.go", "*/*/*_test.go"} {
		found, _ := filepath.Glob(top + pattern) // the patterns are good ones
		for _, path := range found {
			code.WriteString(read(t, strings.TrimPrefix(path, top)))
		}
	}
	for _, document := range documents(t) {
		for _, match := range testName.FindAllStringSubmatch(read(t, document), -1) {
			if !strings.Contains(code.String(), "\nfunc "+match[1]+"(") {
				t.Errorf("%s names %s, which is not there", document, match[1])
			}
		}
	}
}

func mustExist(t *testing.T, document, path string) {
	t.Helper()
	if _, err := os.Stat(top + path); err != nil {
		t.Errorf("%s names %s: %v", document, path, err)
	}
}
