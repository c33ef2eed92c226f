package verify

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/rebuild"
)

// Result is what a check has found.
type Result struct {
	Check    string   `json:"check"`
	Promise  string   `json:"promise"`  // what should be so
	Wrong    int      `json:"wrong"`    // how often it is not; at most some thousands are counted
	Examples []string `json:"examples"` // positions, or ids: where to look

	all []string // of what is wrong
}

// Report is what all checks have found.
type Report struct {
	Position   int64    `json:"position"`   // up to which the log was checked
	Checkpoint int64    `json:"checkpoint"` // of the projection
	Unreadable int      `json:"unreadable"` // users who cannot be replayed by this build
	Results    []Result `json:"results"`
}

// Right says that nothing is wrong.
func (r Report) Right() bool {
	for _, result := range r.Results {
		if result.Wrong > 0 {
			return false
		}
	}
	return true
}

// Check looks at everything. progress, if it is not nil, is told how far it is, in events. An error says that it
// could not look.
func Check(ctx context.Context, pool *pgxpool.Pool, progress func(phase string, done, total int64)) (Report, error) {
	if progress == nil {
		progress = func(string, int64, int64) {}
	}
	tx, err := pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: beginCheck})
	if err != nil {
		return Report{}, fmt.Errorf("begin check: %w", outbox.Discreet(err))
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // there is nothing to keep
	c := &checking{pool: pool, tx: tx, progress: progress}
	if err := c.all(ctx); err != nil {
		return Report{}, fmt.Errorf("check: %w", outbox.Discreet(err))
	}
	return c.report, nil
}

// Whole tables are read, from one end to the other. They are locked before the snapshot is taken: to an older one, tables that a
// rebuild puts in their place are not what it says.
var beginCheck = `BEGIN ISOLATION LEVEL REPEATABLE READ;
LOCK TABLE derived.snapshots, ` + strings.Join(projections.Live.Qualified(), ", ") + ` IN ACCESS SHARE MODE; SET LOCAL statement_timeout = '30min';
SET LOCAL idle_in_transaction_session_timeout = '1h'; SET LOCAL enable_seqscan = on; SET LOCAL work_mem = '64MB'`

// checking is a check under way.
type checking struct {
	pool     *pgxpool.Pool
	tx       pgx.Tx
	progress func(phase string, done, total int64)
	report   Report
}

// Without its row the projection has handled nothing.
const selectBounds = `
SELECT COALESCE((SELECT max(position) FROM eventlog.events), 0),
  COALESCE((SELECT max(checkpoint) FROM derived.subscriptions WHERE name = '` + projections.Subscription + `'), 0)`

func (c *checking) all(ctx context.Context) error {
	if _, err := c.tx.Exec(ctx, rebuild.WithoutTimeLimit); err != nil {
		return err
	}
	if err := c.tx.QueryRow(ctx, selectBounds).Scan(&c.report.Position, &c.report.Checkpoint); err != nil {
		return err
	}
	for _, q := range queries {
		c.progress(q.check, 0, c.report.Position)
		if err := c.ask(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", q.check, err)
		}
	}
	return c.replay(ctx)
}

const (
	maxWrong    = 10_000 // are counted of what a query finds
	maxExamples = 10
)

func (c *checking) ask(ctx context.Context, q query) error {
	rows, _ := c.tx.Query(ctx, q.sql+fmt.Sprintf(" LIMIT %d", maxWrong))
	wrong, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	c.found(q.check, q.promise, wrong)
	return nil
}

func (c *checking) found(check, promise string, wrong []string) {
	c.report.Results = append(c.report.Results, Result{
		Check: check, Promise: promise, Wrong: len(wrong), Examples: append([]string{}, wrong[:min(len(wrong), maxExamples)]...), all: wrong,
	})
}
