package rebuild

import (
	"context"
	"runtime"
	"time"
)

// A rebuild is in no hurry. While others write it works a quarter of the time, in short turns, so that their
// commands find processors and disk free. When it is alone it does not rest.
const (
	turn    = 2 * time.Millisecond
	restFor = 3 // times as long as a turn

	// Whoever answers a request in this process waits for so many events at most.
	eventsInARow = 16
)

// way is what a rebuild makes for others.
type way struct {
	head   int64 // of the log, when it was last seen
	others bool  // who have written since the time before
	events int
	since  time.Time // when this turn began
}

// seen says where the log ends.
func (w *way) seen(head int64) {
	w.others = w.head != 0 && w.head != head
	w.head = head
}

// make is called for each event, and returns when it is the rebuild's turn.
func (w *way) make(ctx context.Context) error {
	if w.events++; w.events%eventsInARow > 0 {
		return nil
	}
	runtime.Gosched()
	worked := time.Since(w.since)
	if worked < turn {
		return nil
	}
	if w.others {
		select {
		case <-time.After(restFor * min(worked, restFor*turn)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	w.since = time.Now()
	return nil
}
