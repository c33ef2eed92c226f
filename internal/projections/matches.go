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
	worded float64 // users who have the words, and versions that lost one
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

// matches asks PostgreSQL's planner how many rows it expects.
func (p *planner) matches(ctx context.Context, q Query) (m matches, err error) {
	key := described{q.Words, q.Role}
	if m, ok := p.found.Get(key); ok && time.Since(m.taken) < statisticsFor {
		return m, nil
	}
	var batch pgx.Batch
	ask := func(rows *float64, table string, condition func(*conditions)) {
		var c conditions
		condition(&c)
		batch.Queue("EXPLAIN (FORMAT JSON) SELECT FROM derived."+table+" p WHERE "+c.String(), c.args...).QueryRow(func(row pgx.Row) error {
			expected, err := scanExpected(row)
			*rows += expected
			return err
		})
	}
	if q.Words != "" {
		ask(&m.worded, "user_profiles", q.wordsToday)
		ask(&m.worded, "user_versions", q.wordsLost)
	}
	if q.Role != "" {
		ask(&m.has, "user_profiles", func(c *conditions) { c.add("p.roles @> ARRAY[?::text]", q.Role) })
		ask(&m.held, "role_holders", func(c *conditions) { c.add("p.role = ?", q.Role) })
	}
	if err := p.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return m, fmt.Errorf("ask the planner: %w", err)
	}
	m.taken = time.Now()
	p.found.Add(key, m)
	return m, nil
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
