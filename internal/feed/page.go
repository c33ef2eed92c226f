package feed

import (
	"context"
	"errors"
	"time"
)

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
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	more, err := h.nextPage(ctx, page.Next, f, limit)
	if errors.Is(err, ErrClosed) {
		return page, nil
	}
	return more, err
}

// nextPage waits until ctx ends.
func (h *Hub) nextPage(ctx context.Context, after int64, f Filter, limit int) (Page, error) {
	r, err := h.join(after, f, limit)
	if err != nil {
		return Page{}, err
	}
	defer r.Close()
	events, err := r.Next(ctx)
	return Page{Events: events, Next: r.position}, err
}
