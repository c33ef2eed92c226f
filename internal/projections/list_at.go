package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

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
	e, err := p.expect(ctx, q, at)
	if err != nil {
		return Page{}, err
	}
	sql, args := q.statementAt(at, e)
	return p.readPage(ctx, q, sql, args)
}

// expected is how many rows the planner expects of what a page could be found by.
type expected struct {
	versions float64 // of all users, at all times
	users    float64 // there at the place
	same     float64 // of these, who are today as they were
	found    float64 // of these, by words and role, today
	lost     float64 // versions that lost one of them
}

// expect asks the planner, which has statistics. A page is right whatever it says.
func (p *Profiles) expect(ctx context.Context, q Query, at eventstore.Place) (e expected, err error) {
	var batch pgx.Batch
	ask := func(rows *float64, where string, args ...any) {
		batch.Queue("EXPLAIN (FORMAT JSON) SELECT FROM derived.user_"+where, args...).QueryRow(func(row pgx.Row) (err error) {
			*rows, err = scanExpected(row)
			return err
		})
	}
	ask(&e.versions, "versions")
	ask(&e.users, "profiles WHERE created_at <= $1", at.RecordedAt)
	ask(&e.same, "profiles WHERE updated_at <= $1", at.RecordedAt)
	if q.Words != "" || q.Role != "" {
		var c conditions
		q.described(&c)
		ask(&e.found, "profiles p WHERE "+c.String(), c.args...)
		c = conditions{}
		q.lost(&c)
		ask(&e.lost, "versions p WHERE "+c.String(), c.args...)
	}
	if err := p.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return e, fmt.Errorf("ask the planner: %w", err)
	}
	return e, nil
}

func scanExpected(row pgx.Row) (float64, error) {
	var text []byte
	if err := row.Scan(&text); err != nil {
		return 0, err
	}
	var plans []struct {
		Plan struct {
			Rows float64 `json:"Plan Rows"`
		}
	}
	if err := json.Unmarshal(text, &plans); err != nil {
		return 0, fmt.Errorf("read plan: %w", err)
	}
	return plans[0].Plan.Rows, nil
}

// A look at what one user was costs as much as reading past forty versions in the order of a list.
const lookup = 40

// few says that so many users are looked at one by one sooner than a page of them is come across in order: that takes
// as many versions as there are for each of them, for each row of the page.
func (e expected) few(users float64, limit int) bool {
	return users <= math.Sqrt(e.versions*float64(limit)/lookup)
}
