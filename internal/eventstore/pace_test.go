package eventstore_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usersvc/usersvc/internal/eventstore"
)

// The first command finds no connection, so it is one of those that wait; the second one is lonely.
func TestBatchWaitsAsLongAsReadersWantAndALonelyCommandDoesNot(t *testing.T) {
	t.Parallel()
	log, _ := open(t)
	const pause = 300 * time.Millisecond
	var asked atomic.Int32
	log.Pace(func() time.Duration { asked.Add(1); return pause })
	rested := make(chan time.Duration, 2)
	log.Observe(func(b eventstore.Batch) { rested <- b.Rested })
	began := time.Now()
	mustAppend(t, log, command(newID(), 0, "Made"))
	if took := time.Since(began); took < pause || asked.Load() != 1 {
		t.Errorf("it took %v, readers were asked %d times", took, asked.Load())
	}
	mustAppend(t, log, command(newID(), 0, "Made"))
	if asked.Load() != 1 {
		t.Error("a lonely command waited for readers")
	}
	if first, second := <-rested, <-rested; first != pause || second != 0 {
		t.Errorf("they rested for %v and %v", first, second)
	}
}

func TestCloseEndsARest(t *testing.T) {
	t.Parallel()
	log, _ := open(t)
	asked := make(chan struct{})
	log.Pace(func() time.Duration { close(asked); return time.Hour })
	answer := make(chan error)
	go func() {
		_, err := log.Append(t.Context(), command(newID(), 0, "Made"))
		answer <- err
	}()
	<-asked
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	log.Close(ended)
	if err := <-answer; !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("append: %v", err)
	}
}
