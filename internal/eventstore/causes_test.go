package eventstore_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/eventstore"
)

// Events of one command may have causes of their own; the others have the command's.
func TestEachEventHasItsCause(t *testing.T) {
	t.Parallel()
	log, _ := open(t)
	stream, usual, other := newID(), newID(), newID()
	mustAppend(t, log, command(stream, 0, "Made", "Changed"))
	c := command(stream, 2, "Changed", "Undone", "Undone")
	c.Metadata.CausationID, c.Metadata.Reason = &usual, "oops"
	c.Events[1].CausationID = &other
	mustAppend(t, log, c)
	events, err := log.Stream(t.Context(), stream, 2, 5)
	if err != nil {
		t.Fatal(err)
	}
	for i, cause := range []uuid.UUID{usual, other, usual} {
		want := c.Metadata
		want.CausationID = &cause
		if diff := cmp.Diff(want, events[i].Metadata); diff != "" {
			t.Errorf("event %d (-want +got):\n%s", i, diff)
		}
	}
	var none eventstore.Metadata
	if first, err := log.Stream(t.Context(), stream, 0, 1); err != nil || first[0].Metadata == none || first[0].Metadata.CausationID != nil {
		t.Errorf("the first event has %+v (%v)", first, err)
	}
}
