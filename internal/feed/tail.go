package feed

import (
	"context"
	"slices"
	"time"

	"github.com/usersvc/usersvc/internal/eventstore"
)

const (
	// As many of the newest events are kept, or up to twice as many, which is at most 32 MiB: a consumer
	// that was busy for a moment finds what it has missed without a query of its own.
	kept = 250
	// Each query takes so many at most.
	tailBatch = 250
	// After a query the next waits so long, so that a stream of single commits does not make as many
	// queries. An event that comes after a pause is read at once.
	rest = 10 * time.Millisecond
	// Commits of this process wake the hub; those of other replicas are found so soon.
	poll = 200 * time.Millisecond
	// While the log cannot be read.
	retry       = time.Second
	readTimeout = 2 * time.Second
)

// tail follows the log. As positions have no gaps, where an event stands in it is known without looking.
// All of it but wake is guarded by the hub's mutex; events are never changed, only appended and moved.
type tail struct {
	begin  int64 // the position before the first of events
	events []Event
	grown  chan struct{} // closed when events are appended, and replaced
	wake   chan struct{}
	stop   context.CancelFunc
}

func (t *tail) end() int64 { return t.begin + int64(len(t.events)) }

// startTail follows the log from a position on. The mutex is held.
func (h *Hub) startTail(position int64) {
	ctx, stop := context.WithCancel(h.closed)
	t := &tail{begin: position, grown: make(chan struct{}), wake: make(chan struct{}, 1), stop: stop}
	h.tail = t
	h.tails.Go(func() { h.follow(ctx, t) })
}

// follow reads until ctx ends, or the log goes back.
func (h *Hub) follow(ctx context.Context, t *tail) {
	for failed := false; ctx.Err() == nil; {
		found, err := h.readOn(ctx, t.end()) // nobody else moves the end
		switch {
		case ctx.Err() != nil:
		case err != nil:
			if !failed {
				h.logger.Warn().Msg("the log cannot be read; the feed tries again") // without the text, which is the database's
			}
			sleep(ctx, retry)
		case found.Head < t.end():
			h.goBack(t, found.Head)
			return
		default:
			h.append(t, newEvents(found.Events))
			if len(found.Events) < tailBatch {
				t.idle(ctx)
			}
		}
		failed = err != nil
	}
}

func (h *Hub) readOn(ctx context.Context, position int64) (eventstore.Scan, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return h.log.Scan(ctx, position, eventstore.Filter{}, tailBatch)
}

// append lets those who wait know. What is no longer kept is left to the consumers that have it.
func (h *Hub) append(t *tail, events []Event) {
	if len(events) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	t.events = append(t.events, events...)
	if drop := len(t.events) - kept; drop > kept {
		t.events = slices.Clone(t.events[drop:])
		t.begin += int64(drop)
	}
	close(t.grown)
	t.grown = make(chan struct{})
}

// goBack lets those know who are beyond the new end of the log. For the others, who wait next, there will be another tail.
func (h *Hub) goBack(t *tail, head int64) {
	h.logger.Warn().Int64("head", head).Msg("the log ends before what was read of it; consumers of the feed are told")
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ends = append(h.ends, head)
	if h.tail == t {
		h.tail = nil
	}
	t.stop()
	close(t.grown)
}

// idle returns when the log may have grown.
func (t *tail) idle(ctx context.Context) {
	sleep(ctx, rest)
	select {
	case <-ctx.Done():
	case <-t.wake:
	case <-time.After(poll - rest):
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
