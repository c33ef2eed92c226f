package feed

import (
	"context"
	"errors"
)

// At most so many events are handed out at a time: each consumer that catches up holds as many.
const batch = 100

// Reader is one consumer that reads on and on.
type Reader struct {
	hub      *Hub
	filter   Filter
	limit    int // events at a time
	position int64
	seen     int // of the hub's ends, those that are no concern of this reader
}

// Follow opens a reader of the events behind a position that pass a filter; it is to be closed, and used
// by one goroutine. Errors: ErrAhead, ErrBusy, ErrClosed, ErrUnavailable.
func (h *Hub) Follow(ctx context.Context, after int64, f Filter) (*Reader, error) {
	r, err := h.join(after, f, batch)
	if err != nil {
		return nil, err
	}
	if err := h.has(ctx, after); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// Close ends the reader.
func (r *Reader) Close() { r.hub.leave() }

// Position is where the reader is: it has looked at everything up to there.
func (r *Reader) Position() int64 { return r.position }

// Next waits for events until ctx ends; then it returns none. While the log cannot be read, it waits as
// well. Errors: ErrAhead, as what follows now is not what followed, and ErrClosed.
func (r *Reader) Next(ctx context.Context) ([]Event, error) {
	for ctx.Err() == nil && r.hub.closed.Err() == nil {
		page, err := r.read(ctx)
		switch {
		case errors.Is(err, ErrAhead):
			return nil, err
		case err != nil:
			sleep(ctx, retry)
			continue
		}
		r.position = page.Next
		if len(page.Events) > 0 {
			return page.Events, nil
		}
		if page.atEnd {
			r.await(ctx)
		}
	}
	if r.hub.closed.Err() != nil {
		return nil, ErrClosed
	}
	return nil, nil
}

// read takes what is at hand for all, or else reads the log for this consumer alone. Whether the log went back is asked
// last: what was stored afterwards must not be taken for what follows.
func (r *Reader) read(ctx context.Context) (page Page, err error) {
	if recent, ok := r.hub.recent(r.position); ok {
		page = r.pick(recent)
	} else {
		page, err = r.hub.scan(ctx, r.position, r.filter, r.limit)
	}
	if r.hub.isAhead(r) {
		return Page{}, ErrAhead
	}
	return page, err
}

// pick returns what of the newest events this consumer wants.
func (r *Reader) pick(recent []Event) Page {
	page := Page{Next: r.position, atEnd: true}
	for _, e := range recent {
		if len(page.Events) == r.limit {
			page.atEnd = false
			break
		}
		if page.Next = e.Position; r.filter.passes(e) {
			page.Events = append(page.Events, e)
		}
	}
	return page
}

// await returns when the log goes on behind the reader, or there is a reason for which it does no more.
func (r *Reader) await(ctx context.Context) {
	for !r.hub.isAhead(r) {
		grown := r.hub.grownSince(r.position)
		if grown == nil {
			return
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return
		case <-r.hub.closed.Done():
			return
		}
	}
}
