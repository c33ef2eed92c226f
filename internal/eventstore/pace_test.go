package eventstore_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usersvc/usersvc/internal/eventstore"
)

// The first command finds no connection, so it is one of those that wait. A later one does not, unless it comes before the writer
// has come to rest.
func TestBatchWaitsAsLongAsReadersWantAndALonelyCommandDoesNot(t *testing.T) {
	t.Parallel()
	log, _ := open(t)
	const pause = 300 * time.Millisecond
	var asked atomic.Int32
	log.Pace(func() time.Duration { asked.Add(1); return pause })
	rested := make(chan time.Duration, 1)
	log.Observe(func(b eventstore.Batch) { rested <- b.Rested })
	waits := func() bool {
		before := asked.Load()
		mustAppend(t, log, command(newID(), 0, "Made"))
		waited, told := asked.Load() > before, <-rested
		if want := map[bool]time.Duration{true: pause}[waited]; told != want {
			t.Errorf("rested for %v, want %v", told, want)
		}
		return waited
	}
	began := time.Now()
	if !waits() || time.Since(began) < pause {
		t.Errorf("readers were asked %d times, and it took %v", asked.Load(), time.Since(began))
	}
	for tries := 1; waits(); tries++ {
		if tries == 10 {
			t.Fatal("lonely commands wait for readers")
		}
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
