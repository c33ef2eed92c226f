package rebuild

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
)

// A rebuild is in no hurry. While others write it folds a fifth of the time, in short turns, and copies another fifth, a
// little at a time, so that their commands find processors and disk free. When it is alone it does not rest.
const (
	turn    = 2 * time.Millisecond
	restFor = 4 // times as long as a turn

	// Whoever answers a request in this process waits for so many events at most, or ten times as many when nobody writes.
	eventsInARow = 16
)

// way is what a rebuild makes for others.
type way struct {
	alone  atomic.Bool // when the log was last looked at, nobody had written for a second
	events int
	since  time.Time // when this turn began
}

// make is called for each event, and returns when it is the rebuild's turn.
func (w *way) make(ctx context.Context) error {
	row := eventsInARow
	if w.alone.Load() {
		row *= 10
	}
	if w.events++; w.events%row > 0 {
		return nil
	}
	runtime.Gosched()
	worked := time.Since(w.since)
	if worked < turn {
		return nil
	}
	if err := w.rest(ctx, min(worked, restFor*turn)); err != nil {
		return err
	}
	w.since = time.Now()
	return nil
}

// rest has whoever writes go first, after so much work. The transaction is idle meanwhile.
func (w *way) rest(ctx context.Context, worked time.Duration) error {
	if w.alone.Load() {
		return nil
	}
	select {
	case <-time.After(min(restFor*worked, longestIdle/3)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
