package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// described is what users are found by that few may match.
type described struct{ words, role string }

// matches are how many there may be.
type matches struct {
	worded float64 // users who have the words
	lost   float64 // versions that lost one of them
	has    float64 // users who have the role
	held   float64 // users who have it or had it
	taken  time.Time
}

// byRole says that a page of now, in the order of creation, is come across sooner among all who ever had the role, who are
// there in that order, than by finding all who have it: for each row of the page, that looks at as many as there are for each who has it.
func (m matches) byRole(limit int) bool { return m.has*m.has > float64(limit)*m.held }

func (p *planner) byRole(ctx context.Context, q Query) (bool, error) {
	if q.Role == "" || q.Order.By != byCreation || q.Words+q.Address != "" || q.IDs != nil || q.Count {
		return false, nil
	}
	m, err := p.matches(ctx, q)
	return m.byRole(q.Limit), err
}

// byWords says that a page of now is come across sooner by finding all who have the words than in the order of the list. There,
// for each row of the page, as many users are passed over as there are for each who has them; finding one costs half of that.
func (p *planner) byWords(ctx context.Context, q Query) (bool, error) {
	if q.Words == "" || q.Address != "" || q.IDs != nil {
		return false, nil
	}
	s, err := p.statistics(ctx)
	if err != nil || s.Users < manyRows {
		return false, err
	}
	m, err := p.matches(ctx, q)
	return m.worded*m.worded < 2*float64(q.Limit)*s.Users, err
}

func (p *planner) matches(ctx context.Context, q Query) (m matches, err error) {
	key := described{q.Words, q.Role}
	if m, ok := p.found.Get(key); ok && time.Since(m.taken) < statisticsFor {
		return m, nil
	}
	s, err := p.statistics(ctx)
	if err != nil {
		return m, err
	}
	var batch pgx.Batch
	if q.Words != "" {
		sample(&batch, &m.worded, "user_profiles", s.Users, q.wordsToday)
		sample(&batch, &m.lost, "user_versions", s.Versions, q.wordsLost)
	}
	if q.Role != "" {
		expect(&batch, &m.has, "user_profiles", func(c *conditions) { c.add("p.roles @> ARRAY[?::text]", q.Role) })
		expect(&batch, &m.held, "role_holders", func(c *conditions) { c.add("p.role = ?", q.Role) })
	}
	if err := p.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return m, fmt.Errorf("ask the planner: %w", err)
	}
	m.taken = time.Now()
	p.found.Add(key, m)
	return m, nil
}

// expect asks PostgreSQL's planner how many rows it expects.
func expect(batch *pgx.Batch, rows *float64, table string, condition func(*conditions)) {
	var c conditions
	condition(&c)
	batch.Queue("EXPLAIN (FORMAT JSON) SELECT FROM derived."+table+" p WHERE "+c.String(), c.args...).QueryRow(func(row pgx.Row) (err error) {
		*rows, err = scanExpected(row)
		return err
	})
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

// looks is how many rows tell how many have some words: one in a hundred is met often enough.
const looks = 1000

// fewest stands for none: it costs less to look at a few thousand one by one than past a million in vain.
const fewest = 0.1

// sample looks at some pages of a table, and takes the others for the same. PostgreSQL's planner would not do: it takes whatever begins
// a word for the beginning of words in a fiftieth of all rows, at least.
func sample(batch *pgx.Batch, rows *float64, table string, all float64, condition func(*conditions)) {
	var c conditions
	condition(&c)
	percent := min(100, 100*looks/max(all, 1))
	sql := "SELECT count(*), count(*) FILTER (WHERE " + c.String() + ") FROM derived." + table + " p TABLESAMPLE SYSTEM (" + c.arg(percent) + ")"
	batch.Queue(sql, c.args...).QueryRow(func(row pgx.Row) error {
		var looked, found float64
		err := row.Scan(&looked, &found)
		*rows = all * max(found, fewest) / max(looked, 1)
		return err
	})
}
