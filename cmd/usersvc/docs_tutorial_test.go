package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/usersvc/usersvc/internal/pgtest"
)

const tutorial = "docs/tutorial.md"

// The newcomer types all of it, after what make does: a demo, and a service.
func TestTutorialAnswersAsPrinted(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	env := []string{"DATABASE_URL=" + db.URL, "USERSVC_MIGRATE_DATABASE_URL=" + db.AdminURL}
	if said, err := program(t.Context(), t.TempDir(), env, "demo", "--people", "300").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	p := serve(t, t.TempDir(), env...)
	var steps []step
	blocks := blocksOf(t, tutorial)
	for i, b := range blocks {
		if b.isTour() {
			steps = append(steps, step{b.text, blocks[i+1].text})
		}
	}
	if len(steps) < 8 {
		t.Fatalf("the tutorial has %d steps", len(steps))
	}
	p.settled()
	for i, answer := range p.typed(t, steps) {
		if i == len(steps) {
			break // what is behind the last
		}
		if diff := cmp.Diff(steps[i].answer, strings.TrimPrefix(answer, "\n")); diff != "" {
			t.Errorf("the page prints another answer (-) than there is (+) to\n%s\n%s", steps[i].commands, diff)
		}
	}
}
