package eventstore_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/usersvc/usersvc/internal/eventstore"
)

func TestAppendStoresEventsAsGiven(t *testing.T) { throughBothDoors(t, appendStoresEventsAsGiven) }

func appendStoresEventsAsGiven(t *testing.T, types ...string) {
	log, pool := openBegun(t)
	id, n := newID(), len(types)
	c := command(id, 0, types...)
	got := mustAppend(t, log, c)
	if got.Version != n || got.Position != int64(n+1) || got.RecordedAt.IsZero() {
		t.Fatalf("appended %+v, want version %d at position %d", got, n, n+1)
	}
	var want []eventstore.Recorded
	for i, e := range c.Events {
		want = append(want, eventstore.Recorded{
			Position: int64(i + 2), ID: e.ID, StreamType: "thing", StreamID: id, Version: i + 1, Type: e.Type,
			SchemaVersion: 1, Data: e.Data, Metadata: c.Metadata, RecordedAt: got.RecordedAt,
		})
	}
	stream, err := log.Stream(t.Context(), id, 0, n)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, stream); diff != "" {
		t.Error("stream (-want +got):", diff)
	}
	for i := range want {
		want[i].Metadata = eventstore.Metadata{}
	}
	if diff := cmp.Diff(want, all(t, pool)[1:]); diff != "" {
		t.Error("log (-want +got):", diff)
	}
}

func TestAppendChecksTheExpectedVersion(t *testing.T) {
	t.Parallel()
	log, pool := open(t)
	id := newID()
	mustAppend(t, log, command(id, 0, "Made"))
	for _, expected := range []int{0, 2, 7} {
		_, err := log.Append(t.Context(), command(id, expected, "Painted"))
		var conflict *eventstore.VersionConflict
		if !errors.As(err, &conflict) || conflict.Current != 1 {
			t.Errorf("expected version %d: %v, want a conflict with version 1", expected, err)
		}
	}
	mustAppend(t, log, command(id, 1, "Painted"))
	if n := len(all(t, pool)); n != 2 {
		t.Errorf("%d events in the log, want 2", n)
	}
}

func TestAppendOfTheSameEventsAnswersAsTheFirstTime(t *testing.T) {
	throughBothDoors(t, sameEventsAgain)
}

func sameEventsAgain(t *testing.T, types ...string) {
	log, pool := openBegun(t)
	id := newID()
	c := command(id, 0, types...)
	first := mustAppend(t, log, c)
	mustAppend(t, log, command(id, len(types), "Sold"))
	if again := mustAppend(t, log, c); again != first {
		t.Errorf("second answer %+v, first %+v", again, first)
	}
	if n := len(all(t, pool)); n != len(types)+2 {
		t.Errorf("%d events in the log, want %d", n, len(types)+2)
	}
}

func TestClaimIsHeldByOneStream(t *testing.T) {
	t.Parallel()
	log, _ := open(t)
	a, b := newID(), newID()
	taken := func(c eventstore.Command) {
		t.Helper()
		var refused *eventstore.ClaimTaken
		if _, err := log.Append(t.Context(), c); !errors.As(err, &refused) {
			t.Fatalf("append: %v, want ClaimTaken", err)
		}
	}
	wants := func(c eventstore.Command, key string) eventstore.Command { c.Take = claim(key); return c }
	swaps := func(c eventstore.Command, from, to string) eventstore.Command {
		c.Release, c.Take = claim(from), claim(to)
		return c
	}
	mustAppend(t, log, wants(command(a, 0, "Made"), "x"))
	taken(wants(command(b, 0, "Made"), "x"))
	mustAppend(t, log, wants(command(b, 0, "Made"), "y"))
	taken(swaps(command(b, 1, "Named"), "y", "x"))
	mustAppend(t, log, swaps(command(a, 1, "Named"), "x", "z")) // frees x at once
	mustAppend(t, log, swaps(command(b, 1, "Named"), "y", "x"))
	mustAppend(t, log, swaps(command(a, 2, "Named"), "y", "y")) // releasing what is not held is no error

	for key, holder := range map[string]any{"x": b, "y": a, "z": a} {
		id, ok, err := log.Holder(t.Context(), eventstore.Claim{Scope: "name", Key: key})
		if err != nil || !ok || id != holder {
			t.Errorf("%s is held by %v (%v, %v), want %v", key, id, ok, err, holder)
		}
	}
	if _, ok, err := log.Holder(t.Context(), eventstore.Claim{Scope: "other", Key: "x"}); ok || err != nil {
		t.Errorf("a claim of another scope: %v, %v", ok, err)
	}
}

func TestRefusedCommandChangesNothing(t *testing.T) {
	t.Parallel()
	log, pool := open(t)
	a, b := newID(), newID()
	c := command(a, 0, "Made")
	c.Take = claim("x")
	mustAppend(t, log, c)

	loser := withKey(command(b, 0, "Made", "Painted"), "k")
	loser.Release, loser.Take = nil, append(claim("x"), claim("y")...)
	if _, err := log.Append(t.Context(), loser); err == nil {
		t.Fatal("a taken claim was given away")
	}
	if _, ok, _ := log.Holder(t.Context(), eventstore.Claim{Scope: "name", Key: "y"}); ok {
		t.Error("the refused command kept its other claim")
	}
	if n := len(all(t, pool)); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
	loser.Take = claim("y") // the key was not remembered either: it is free for a better try
	if got := mustAppend(t, log, loser); got.Replayed != nil || got.Version != 2 {
		t.Errorf("second try: %+v", got)
	}
}

func TestKeyIsAnsweredAsTheFirstTime(t *testing.T) { throughBothDoors(t, keyAgain) }

func keyAgain(t *testing.T, types ...string) {
	log, pool := openBegun(t)
	a, b := newID(), newID()
	first := mustAppend(t, log, withKey(command(a, 0, types...), "k"))
	mustAppend(t, log, command(a, len(types), "Sold"))
	again := mustAppend(t, log, withKey(command(b, 0, "Made"), "k")) // other stream, other event ids
	want := &eventstore.Record{
		Fingerprint: []byte("print of k"), StreamID: a, Version: len(types), Position: first.Position,
		Outcome: []byte(`{"status": 201}`), RecordedAt: first.RecordedAt,
	}
	if diff := cmp.Diff(want, again.Replayed); diff != "" {
		t.Error("record (-want +got):", diff)
	}
	if n := len(all(t, pool)); n != len(types)+2 {
		t.Errorf("%d events, want %d", n, len(types)+2)
	}
}

func TestKeyOfACommandWithoutEventsIsKept(t *testing.T) {
	t.Parallel()
	log, _ := open(t)
	id := newID()
	mustAppend(t, log, command(newID(), 0, "Made"))
	mustAppend(t, log, command(id, 0, "Made"))
	mustAppend(t, log, withKey(command(id, 1), "k"))
	again := mustAppend(t, log, withKey(command(id, 1), "k"))
	if r := again.Replayed; r == nil || r.Version != 1 || r.Position != 2 {
		t.Errorf("replayed %+v, want version 1 at position 2", r)
	}
	var conflict *eventstore.VersionConflict
	if _, err := log.Append(t.Context(), withKey(command(id, 0), "l")); !errors.As(err, &conflict) {
		t.Errorf("no events and a stale version: %v, want a conflict", err)
	}
}

// A batch is refused whole by the database when one of its commands cannot be stored.
func TestBadCommandFailsAlone(t *testing.T) {
	t.Parallel()
	log, pool := open(t)
	var wg sync.WaitGroup
	const n = 64
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() {
			c := command(newID(), 0, "Made")
			if i%16 == 3 {
				c.Events[0].Data = []byte(`{"nul": "\u0000"}`) // jsonb takes none: SQLSTATE 22P05
			}
			_, errs[i] = log.Append(t.Context(), c)
		})
	}
	wg.Wait()
	for i, err := range errs {
		if bad := i%16 == 3; bad != (err != nil) {
			t.Errorf("command %d: %v", i, err)
		} else if bad && errors.Is(err, eventstore.ErrUnavailable) {
			t.Errorf("command %d was called unavailable: %v", i, err)
		}
	}
	if got := len(all(t, pool)); got != n-4 {
		t.Errorf("%d events, want %d", got, n-4)
	}
}

func TestCommandsOfOneBatchAreJudgedOneByOne(t *testing.T) {
	t.Parallel()
	log, pool := open(t)
	holder := command(newID(), 0, "Made")
	holder.Take = claim("taken")
	mustAppend(t, log, holder)
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			c := command(newID(), i%2, "Made", "Painted") // every other one expects a version that is not there
			c.Take = claim(fmt.Sprint("free", i))
			if i%3 == 0 {
				c.Take = claim("taken")
			}
			_, err := log.Append(t.Context(), c)
			var conflict *eventstore.VersionConflict
			var claimed *eventstore.ClaimTaken
			switch {
			case i%2 == 1 && !errors.As(err, &conflict), i%2 == 0 && i%3 == 0 && !errors.As(err, &claimed), i%2 == 0 && i%3 != 0 && err != nil:
				t.Errorf("command %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	checkOrder(t, all(t, pool))
}

// checkOrder fails unless positions, versions and times are as the package promises.
func checkOrder(t *testing.T, events []eventstore.Recorded) {
	t.Helper()
	versions := map[any]int{}
	for i, e := range events {
		if e.Position != int64(i+1) {
			t.Fatalf("position %d at place %d", e.Position, i+1)
		}
		if versions[e.StreamID]++; versions[e.StreamID] != e.Version {
			t.Fatalf("position %d: version %d, want %d", e.Position, e.Version, versions[e.StreamID])
		}
		if i > 0 && e.RecordedAt.Before(events[i-1].RecordedAt) {
			t.Fatalf("position %d was recorded before its predecessor", e.Position)
		}
	}
}
