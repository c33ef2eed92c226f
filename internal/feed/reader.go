package feed

import (
	"context"
	"errors"
	"time"
)

// At most so many events are handed out at a time: each consumer that catches up holds as many.
const batch = 100

// Reader is one consumer that reads on and on.
type Reader struct {
	hub      *Hub
	filter   Filter
	position int64
}

// Follow opens a reader of the events behind a position that pass a filter; it is to be closed, and used
// by one goroutine. Errors: ErrAhead, ErrBusy, ErrClosed, ErrUnavailable.
func (h *Hub) Follow(ctx context.Context, after int64, f Filter) (*Reader, error) {
	if err := h.join(); err != nil {
		return nil, err
	}
	if err := h.has(ctx, after); err != nil {
		h.leave()
		return nil, err
	}
	return &Reader{hub: h, filter: f, position: after}, nil
}

// Close ends the reader.
func (r *Reader) Close() { r.hub.leave() }

// Position is where the reader is: it has looked at everything up to there.
func (r *Reader) Position() int64 { return r.position }

// Next waits for events until ctx ends; then it returns none. While the log cannot be read, it waits as
// well. Error: ErrClosed.
func (r *Reader) Next(ctx context.Context) ([]Event, error) {
	for ctx.Err() == nil && r.hub.closed.Err() == nil {
		page, err := r.hub.read(ctx, r.position, r.filter, batch)
		if err != nil {
			sleep(ctx, retry)
			continue
		}
		r.position = page.Next
		if len(page.Events) > 0 {
			return page.Events, nil
		}
		if page.atEnd {
			_ = r.hub.await(ctx, r.position) // why it ended is asked above
		}
	}
	if r.hub.closed.Err() != nil {
		return nil, ErrClosed
	}
	return nil, nil
}

// Page is a part of the feed.
type Page struct {
	Events []Event
	Next   int64 // the position to go on from

	atEnd bool // nothing was behind Next
}

// Page returns at most limit events behind a position that pass a filter. It looks at 10,000 events at
// most, so with a filter there may be more behind Next though it has none. If the log ends there it waits
// for the next ones, and returns none when they did not come in time, or the hub is closed. Errors:
// ErrAhead, ErrBusy, ErrUnavailable.
func (h *Hub) Page(ctx context.Context, after int64, f Filter, limit int, wait time.Duration) (Page, error) {
	page, err := h.scan(ctx, after, f, limit)
	if err != nil || len(page.Events) > 0 || !page.atEnd || wait == 0 {
		return page, err
	}
	switch err := h.join(); {
	case errors.Is(err, ErrClosed):
		return page, nil
	case err != nil:
		return Page{}, err
	}
	defer h.leave()
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for page.atEnd && len(page.Events) == 0 && h.await(ctx, page.Next) == nil {
		more, err := h.read(ctx, page.Next, f, limit)
		if err != nil {
			break // out of time, or of the database: what there was is told
		}
		page = more
	}
	return page, nil
}

// read takes what is at hand for all, or else reads the log for this consumer alone.
func (h *Hub) read(ctx context.Context, after int64, f Filter, limit int) (Page, error) {
	recent, ok := h.recent(after)
	if !ok {
		return h.scan(ctx, after, f, limit)
	}
	page := Page{Next: after, atEnd: true}
	for _, e := range recent {
		if len(page.Events) == limit {
			page.atEnd = false
			break
		}
		if page.Next = e.Position; f.passes(e) {
			page.Events = append(page.Events, e)
		}
	}
	return page, nil
}
