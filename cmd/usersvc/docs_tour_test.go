package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// step is what a reader of the tour types, and the answer that is printed below it; "" where there is none.
type step struct{ commands, answer string }

func tour(t *testing.T) []step {
	t.Helper()
	var steps []step
	blocks := blocksOf(t, readme)
	for i, b := range blocks {
		if !b.isTour() {
			continue
		}
		s := step{commands: b.text}
		if i+1 < len(blocks) && blocks[i+1].language == "json" {
			s.answer = blocks[i+1].text
		}
		steps = append(steps, s)
	}
	return steps
}

// The reader has one shell for the whole tour, and so has the test.
func TestTourAnswersAsPrinted(t *testing.T) {
	t.Parallel()
	steps := tour(t)
	if len(steps) < 6 {
		t.Fatalf("the tour has %d steps: create, change, suspend, as_of, version and history are wanted", len(steps))
	}
	p := serve(t, t.TempDir(), "DATABASE_URL="+pgtest.URL(t))
	answers := p.typed(t, steps)
	printed, given := make(aliases), make(aliases)
	for i, s := range steps {
		if diff := cmp.Diff(printed.compare(s.answer), given.compare(answers[i])); diff != "" {
			t.Errorf("the README prints another answer (-) than the service gives (+) to\n%s\n%s", s.commands, diff)
		}
	}
}

// typed runs all steps in one bash and returns what each of them prints.
func (p *process) typed(t *testing.T, steps []step, env ...string) []string {
	t.Helper()
	const separator = "\x1e"
	addresses := strings.NewReplacer("http://127.0.0.1:8080", p.url, "http://127.0.0.1:9090", p.admin())
	var script strings.Builder
	for _, s := range steps {
		fmt.Fprintf(&script, "%s\nprintf '\\036'\n", addresses.Replace(s.commands))
	}
	out := bash(t, script.String(), env...)
	answers := strings.Split(out, separator)
	if len(answers) != len(steps)+1 {
		t.Fatalf("%d of %d steps were carried out:\n%s", len(answers)-1, len(steps), out)
	}
	return answers
}

// bash runs a script as a reader's shell would, without what this machine has configured for curl.
func bash(t *testing.T, script string, env ...string) string {
	t.Helper()
	for _, program := range []string{"bash", "curl", "sed"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("the documentation is tested with %s: install it (%v)", program, err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-eu", "-o", "pipefail", "-c", script)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "NO_PROXY=127.0.0.1")
	cmd.Env = append(cmd.Env, env...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s\nin\n%s", err, out, complaints.String(), script)
	}
	return string(out)
}

// aliases stand for ids and times, which differ in each run: the first that is seen is #1 wherever it
// is seen again, so that two answers that show one id, or one time, still have to.
type aliases map[string]string

var ofThisRun = regexp.MustCompile(`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z`)

// compare brings an answer into the form in which answers are compared: a member a line, in the order given.
func (a aliases) compare(answer string) string {
	var indented bytes.Buffer
	if err := json.Indent(&indented, bytes.TrimSpace([]byte(answer)), "", " "); err != nil {
		return answer
	}
	return a.replace(indented.String())
}

func (a aliases) replace(answer string) string {
	return ofThisRun.ReplaceAllStringFunc(answer, func(s string) string {
		if a[s] == "" {
			a[s] = fmt.Sprintf("#%d", len(a)+1)
		}
		return a[s]
	})
}
