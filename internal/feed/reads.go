package feed

import (
	"context"
	"fmt"
	"time"
)

// turn waits until a consumer may read the log for itself. They have a quarter of the connections: as lists have half, a quarter
// is there for reads of one user whatever the others do. The tail takes no turn: it is one query at a time, for all.
func (h *Hub) turn(ctx context.Context) (done func(), err error) {
	select {
	case h.reading <- struct{}{}:
		return func() { <-h.reading }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

// scan reads the log, whatever is at hand: what any client was told has happened is found.
func (h *Hub) scan(ctx context.Context, after int64, f Filter, limit int) (Page, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	done, err := h.turn(ctx)
	if err != nil {
		return Page{}, err
	}
	defer done()
	found, err := h.log.Scan(ctx, after, f.stored(), limit)
	switch {
	case err != nil:
		return Page{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	case after > found.Head:
		return Page{}, ErrAhead
	}
	return Page{newEvents(found.Events), found.Next, found.Next == found.Head}, nil
}

// has returns nil if the log has a position. Errors: ErrAhead, ErrUnavailable.
func (h *Hub) has(ctx context.Context, position int64) error {
	done, err := h.turn(ctx)
	if err != nil {
		return err
	}
	defer done()
	head, err := h.log.Head(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case position > head.Position:
		return ErrAhead
	}
	return nil
}

// Since returns the position behind which the events recorded at or after an instant stand. Error:
// ErrUnavailable.
func (h *Hub) Since(ctx context.Context, at time.Time) (int64, error) {
	done, err := h.turn(ctx)
	if err != nil {
		return 0, err
	}
	defer done()
	place, _, err := h.log.PlaceAt(ctx, at.Add(-time.Microsecond)) // the precision of the log
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return place.Position, nil
}
