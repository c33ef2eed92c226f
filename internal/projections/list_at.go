package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/eventstore"
)

// ListAt reads a page of users as they were at a moment, deleted ones and those to come left out as the query
// says. It waits for a projection that lags behind the moment: ErrLagging when that takes longer than patience,
// or when the rows of the past have yet to be made. While no event up to the moment is parked, the answer is
// final.
func (p *Profiles) ListAt(ctx context.Context, q Query, m Moment, patience time.Duration) (Page, error) {
	deadline := time.Now().Add(patience)
	for {
		page, err := p.pageAt(ctx, q, m)
		if err != nil {
			return Page{}, fmt.Errorf("list users of the past: %w", unavailable(err))
		}
		if page.Position >= page.Place.Position {
			return page, nil
		}
		if page.Position == incomplete {
			return Page{}, ErrLagging // for longer than anybody waits
		}
		if err := p.await(ctx, page.Place.Position, time.Until(deadline)); err != nil {
			return Page{}, err
		}
	}
}

func (p *Profiles) pageAt(ctx context.Context, q Query, m Moment) (page Page, err error) {
	done, err := p.list(ctx)
	if err != nil {
		return page, err
	}
	defer done()
	e, err := p.planner.expect(ctx, q, m.RecordedAt)
	if err != nil {
		return page, err
	}
	err = p.readAt(ctx, q, m, e, &page)
	return page, err
}

// Without the arguments, PostgreSQL takes a filter for one that leaves next to nothing to sort.
const dontSort = `SELECT set_config('enable_sort', 'off', true)`

func (p *Profiles) readAt(ctx context.Context, q Query, m Moment, e expected, page *Page) error {
	sql, args, sorted := q.statementAt(m, e)
	return p.asPlanned(ctx, e.many(), sorted, sql, args, func(rows pgx.Rows) error {
		return page.read(rows, q.Limit, &page.Place.Position, &page.Place.RecordedAt)
	})
}

// asPlanned asks in the way that has been decided on. PostgreSQL is to keep the plan if the tables have grown, and to read
// in the order of an index if there is one.
func (p *Profiles) asPlanned(ctx context.Context, grown, sorted bool, sql string, args []any, read func(pgx.Rows) error) error {
	var b pgx.Batch
	if grown {
		b.Queue(eventstore.KeepPlan)
	}
	if sorted {
		b.Queue(dontSort)
	}
	b.Queue(sql, args...).Query(read)
	return p.pool.SendBatch(ctx, &b).Close()
}
