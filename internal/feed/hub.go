package feed

import (
	"context"
	"errors"
	"sync"

	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/eventstore"
)

// What a consumer can be told.
var (
	// ErrAhead says that the log ends before the position, or did for a while: it was restored from a backup, or a
	// standby took over that lacks the newest events.
	ErrAhead = errors.New("the log does not have this position")
	// ErrBusy says that as many consumers wait already as one process takes.
	ErrBusy = errors.New("too many consumers of the feed are waiting")
	// ErrUnavailable says that the log could not be read. Try again.
	ErrUnavailable = errors.New("the log could not be read; try again")
	// ErrClosed says that the hub was closed. What follows is had from another replica, or after the start.
	ErrClosed = errors.New("the feed is closed")
)

// A consumer that waits costs some 40 kB, mostly for its connection: all of them 160 MB.
const maxOpen = 4000

// Hub hands the log on to consumers. It reads ahead for all that wait, and for nobody when none does.
type Hub struct {
	log     *eventstore.Log
	logger  zerolog.Logger
	reading chan struct{} // holds a token for each consumer that reads the log for itself

	closed context.Context // ends with Close
	close  context.CancelFunc
	tails  sync.WaitGroup

	mu   sync.Mutex
	open int     // consumers that wait, or will
	tail *tail   // nil while nobody waits
	ends []int64 // where the log ended, each time that it had gone back
}

// New makes a hub on a log. Wake it when the log has grown, and Close it.
func New(log *eventstore.Log, logger zerolog.Logger) *Hub {
	h := &Hub{log: log, logger: logger, reading: make(chan struct{}, max(1, log.Connections()/4))}
	h.closed, h.close = context.WithCancel(context.Background())
	return h
}

// Open says how many consumers wait.
func (h *Hub) Open() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open
}

// Wake says that the log may have grown. It does not wait for anything.
func (h *Hub) Wake() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tail == nil {
		return
	}
	select {
	case h.tail.wake <- struct{}{}:
	default:
	}
}

// Close ends the waiting of all consumers with ErrClosed, and takes no more that would wait.
func (h *Hub) Close() {
	h.mu.Lock()
	h.close()
	h.mu.Unlock()
	h.tails.Wait()
}

// join counts a consumer in, which has to be closed.
func (h *Hub) join(after int64, f Filter, limit int) (*Reader, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed.Err() != nil:
		return nil, ErrClosed
	case h.open == maxOpen:
		return nil, ErrBusy
	}
	h.open++
	return &Reader{hub: h, filter: f, limit: limit, position: after, seen: len(h.ends)}, nil
}

func (h *Hub) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open--; h.open == 0 && h.tail != nil {
		h.tail.stop()
		h.tail = nil
	}
}

// grownSince returns nil if there is something behind a position, else what is closed once there may be.
func (h *Hub) grownSince(position int64) <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tail == nil && h.closed.Err() == nil {
		h.startTail(position)
	}
	if h.tail == nil {
		return h.closed.Done()
	}
	if h.tail.end() > position {
		return nil
	}
	return h.tail.grown
}

// isAhead says whether the log went back to before where a reader is, since it was opened.
func (h *Hub) isAhead(r *Reader) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ; r.seen < len(h.ends); r.seen++ {
		if h.ends[r.seen] < r.position {
			return true
		}
	}
	return false
}

// recent returns the newest events behind a position, if they are all at hand; there may be none.
func (h *Hub) recent(position int64) (events []Event, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tail == nil || position < h.tail.begin || position > h.tail.end() {
		return nil, false
	}
	return h.tail.events[position-h.tail.begin:], true
}
