package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/usersvc/usersvc/internal/eventstore"
)

// ListAt reads a page of users as they were at a place of the log, deleted ones and those to come left out as
// the query says. It waits for a projection that lags behind the place: ErrLagging when that takes longer than
// patience, or when the rows of the past have yet to be made. While no event up to the place is parked, the
// answer is final.
func (p *Profiles) ListAt(ctx context.Context, q Query, at eventstore.Place, patience time.Duration) (Page, error) {
	if at.Position == 0 { // there was nobody
		checkpoint, err := p.Checkpoint(ctx)
		return Page{Position: checkpoint}, err
	}
	deadline := time.Now().Add(patience)
	for {
		page, err := p.pageAt(ctx, q, at)
		if err != nil {
			return Page{}, fmt.Errorf("list users of the past: %w", unavailable(err))
		}
		if page.Position >= at.Position {
			return page, nil
		}
		if page.Position == incomplete {
			return Page{}, ErrLagging // for longer than anybody waits
		}
		if err := p.await(ctx, at.Position, time.Until(deadline)); err != nil {
			return Page{}, err
		}
	}
}

func (p *Profiles) pageAt(ctx context.Context, q Query, at eventstore.Place) (Page, error) {
	e, err := p.planner.expect(ctx, q, at.RecordedAt)
	if err != nil {
		return Page{}, err
	}
	sql, args := q.statementAt(at, e)
	return p.readPage(ctx, q, sql, args)
}
