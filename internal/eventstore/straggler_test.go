package eventstore_test

import (
	"errors"
	"testing"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/pgtest"
)

// An append is cut off on its way and reaches the server later than the second attempt, which was
// told that a claim is held. By then the claim is free: the straggler is carried out. Its caller must
// not have been told no.
func TestNoIsNotSaidWhileAStragglerMayStillSucceed(t *testing.T) {
	throughBothDoors(t, noIsNotSaidWhileAStragglerMayStillSucceed)
}

func noIsNotSaidWhileAStragglerMayStillSucceed(t *testing.T, types ...string) {
	db := pgtest.DB(t)
	proxy := pgtest.NewProxy(t, db.URL)
	here := openOn(t, pgtest.Pool(t, proxy.URL))
	there := openOn(t, pgtest.Pool(t, db.URL))
	holder := newID()
	c := command(holder, 0, "Made")
	c.Take = claim("x")
	mustAppend(t, there, c)
	mustAppend(t, here, command(newID(), 0, "Made")) // its connection is warm: the next message is the append

	wanting := command(newID(), 0, types...)
	wanting.Take = claim("x")
	held := proxy.HoldNextAppend()
	answer := make(chan error, 1)
	go func() { _, err := here.Append(t.Context(), wanting); answer <- err }()
	<-held.Cut
	mustAppend(t, here, command(newID(), 0, "Made")) // waits its turn behind the second attempt
	release := command(holder, 1, "Renamed")
	release.Release = claim("x")
	mustAppend(t, there, release)
	held.Deliver()

	if err := <-answer; err != nil {
		t.Errorf("the caller was told %v", err)
	}
	if id, ok, err := there.Holder(t.Context(), claim("x")[0]); !ok || id != wanting.StreamID {
		t.Errorf("the claim is held by %v (%v, %v), want %v", id, ok, err, wanting.StreamID)
	}
}

// Once "no" has been said, the straggler comes too late.
func TestStragglerIsNotCarriedOutAfterNo(t *testing.T) {
	throughBothDoors(t, stragglerIsNotCarriedOutAfterNo)
}

func stragglerIsNotCarriedOutAfterNo(t *testing.T, types ...string) {
	db := pgtest.DB(t)
	proxy := pgtest.NewProxy(t, db.URL)
	pool := pgtest.Pool(t, db.URL)
	here, there := openOn(t, pgtest.Pool(t, proxy.URL)), openOn(t, pool)
	holder := newID()
	c := command(holder, 0, "Made")
	c.Take = claim("x")
	mustAppend(t, there, c)
	mustAppend(t, here, command(newID(), 0, "Made"))

	wanting := command(newID(), 0, types...)
	wanting.Take = claim("x")
	held := proxy.HoldNextAppend()
	_, err := here.Append(t.Context(), wanting)
	var taken *eventstore.ClaimTaken
	if !errors.As(err, &taken) {
		t.Fatalf("append: %v, want ClaimTaken", err)
	}
	release := command(holder, 1, "Renamed")
	release.Release = claim("x")
	mustAppend(t, there, release)
	held.Deliver()
	for _, e := range all(t, pool) {
		if e.StreamID == wanting.StreamID {
			t.Error("the append was carried out after its caller had been told no")
		}
	}
}
