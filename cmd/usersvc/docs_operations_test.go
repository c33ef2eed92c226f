package main

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/pgtest"
)

const operations = "docs/operations.md"

// The page is followed from top to bottom, beside a service that has put events aside.
func TestOperationsAnswerAsPrinted(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	p := serve(t, t.TempDir(), "DATABASE_URL="+url, "USERSVC_RETRY_TRIES=1")
	plantUnknownEvent(t, url, uuid.MustParse(p.create("ada@example.com")))
	for len(p.must(200, "GET", "/v1/dead-letters?state=dead", "").body["data"].([]any)) == 0 {
		if t.Context().Err() != nil {
			t.Fatal("nothing was put aside")
		}
	}
	var steps []step
	blocks := blocksOf(t, operations)
	for i, b := range blocks {
		if b.language == "sh" {
			steps = append(steps, step{b.text, blocks[i+1].text})
		}
	}
	answers := p.typed(t, steps, programOnPath(t), "DATABASE_URL="+url, "USERSVC_RETRY_TRIES=1", "elsewhere="+pgtest.DB(t).AdminURL)
	printed, given := make(aliases), make(aliases)
	for i, s := range steps {
		if diff := cmp.Diff(printed.replace(s.answer), given.replace(answers[i])); diff != "" {
			t.Errorf("the page prints another answer (-) than there is (+) to\n%s\n%s", s.commands, diff)
		}
	}
}

// plantUnknownEvent writes what a newer release might, and something known behind it.
func plantUnknownEvent(t *testing.T, url string, id uuid.UUID) {
	t.Helper()
	log := eventstore.Open(pgtest.Pool(t, url))
	defer log.Close(context.WithoutCancel(t.Context()))
	var events []eventstore.Event
	for _, e := range []struct{ typ, data string }{{"UserMoved", `{"to":"Paris"}`}, {"RoleGranted", `{"role":"admin"}`}} {
		events = append(events, eventstore.Event{ID: uuid.Must(uuid.NewV7()), Type: e.typ, SchemaVersion: 1, Data: []byte(e.data)})
	}
	_, err := log.Append(t.Context(), eventstore.Command{StreamType: "user", StreamID: id, ExpectedVersion: 1, Events: events})
	if err != nil {
		t.Fatal(fmt.Errorf("plant an event: %w", err))
	}
}
