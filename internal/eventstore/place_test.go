package eventstore_test

import (
	"testing"
	"time"

	"github.com/usersvc/usersvc/internal/eventstore"
)

// An instant means the newest event recorded at or before it: all of a batch, or nothing.
func TestPlaceOfEveryInstant(t *testing.T) {
	t.Parallel()
	log, pool := open(t)
	if place, _, err := log.PlaceAt(t.Context(), time.Now()); err != nil || place.Position != 0 || !place.RecordedAt.IsZero() {
		t.Errorf("in an empty log: %v, %v", place, err)
	}
	var last []eventstore.Place // of each batch
	position := int64(0)
	for _, size := range []int{1, 3, 1, 1, 7, 2, 50, 1} {
		types := make([]string, size)
		for i := range types {
			types[i] = "Happened"
		}
		done, err := log.Append(t.Context(), command(newID(), 0, types...))
		if err != nil {
			t.Fatal(err)
		}
		position += int64(size)
		last = append(last, eventstore.Place{Position: position, RecordedAt: done.RecordedAt})
	}
	before := eventstore.Place{}
	for _, p := range last {
		for at, want := range map[time.Time]eventstore.Place{
			p.RecordedAt.Add(-time.Microsecond): before, p.RecordedAt: p, p.RecordedAt.Add(999 * time.Nanosecond): p,
		} {
			place, head, err := openOn(t, pool).PlaceAt(t.Context(), at)
			place.RecordedAt, head.RecordedAt = place.RecordedAt.UTC(), head.RecordedAt.UTC()
			if err != nil || place != want || head.Place != last[len(last)-1] {
				t.Errorf("at %s: %v, %v, %v, want %v", at, place, head, err, want)
			}
		}
		before = p
	}
}

// What is known to be closed needs nobody to be asked.
func TestClosedIsWhatHasBeenSeen(t *testing.T) {
	t.Parallel()
	log, pool := open(t)
	done, err := log.Append(t.Context(), command(newID(), 0, "Happened"))
	if err != nil {
		t.Fatal(err)
	}
	other := openOn(t, pool)
	if other.Closed(done.RecordedAt) {
		t.Error("a log that has seen nothing knows what is closed")
	}
	if _, err := other.Head(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !other.Closed(done.RecordedAt) || other.Closed(done.RecordedAt.Add(time.Microsecond)) {
		t.Error("closed is not what was recorded up to the newest event")
	}
}
