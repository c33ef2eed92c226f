package rebuild

import (
	"context"
	"time"

	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/tuples"
)

// What so many events make is copied together: some tens of kilobytes, as whoever commits waits for what has been written of
// the write-ahead log until then, or some megabytes when nobody does.
const eventsTogether, eventsTogetherAlone = 250, 20_000

// portion is what is copied together.
type portion struct {
	rows    map[string]tuples.Rows // by table
	letters []outbox.Letter
}

// copyAll copies portions as they are made, until there are no more. The first one comes when the whole log is sorted, and
// no transaction must be idle meanwhile, nor while nothing comes for its tables.
func (r *Run) copyAll(ctx context.Context, made <-chan portion, copied chan<- time.Duration) error {
	for {
		if _, err := r.look(ctx); err != nil {
			return err
		}
		if err := r.together(ctx, maker.stay); err != nil {
			return err
		}
		select {
		case <-time.After(lookEvery):
		case p, more := <-made:
			if !more {
				return nil
			}
			began := time.Now()
			if err := r.copyPortion(ctx, p); err != nil {
				return err
			}
			copied <- time.Since(began)
		}
	}
}

// copyPortion copies rows, and parks what failed.
func (r *Run) copyPortion(ctx context.Context, p portion) error {
	if err := r.together(ctx, func(m maker, ctx context.Context) error { return m.fill(ctx, p.rows) }); err != nil {
		return err
	}
	if r.target.Shadow == nil {
		return nil
	}
	return r.target.Shadow.Park(ctx, r.tx, p.letters)
}
