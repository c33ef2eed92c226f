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
	var settings []string
	if e.many() {
		settings = append(settings, eventstore.KeepPlan)
	}
	if sorted {
		settings = append(settings, dontSort)
	}
	return p.ask(ctx, settings, sql, args, func(rows pgx.Rows) error {
		return page.read(rows, q.Limit, &page.Place.Position, &page.Place.RecordedAt)
	})
}

// ask runs a statement under settings that end with it, in one round trip.
func (p *Profiles) ask(ctx context.Context, settings []string, sql string, args []any, read func(pgx.Rows) error) error {
	var b pgx.Batch
	for _, setting := range settings {
		b.Queue(setting)
	}
	b.Queue(sql, args...).Query(read)
	return p.pool.SendBatch(ctx, &b).Close()
}
