package rebuild

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/outbox"
)

// progress is where a rebuild is, for others to see.
type progress struct {
	mu          sync.Mutex
	phase       string
	processed   int64
	total       int64
	differences *int
}

func (p *progress) at(phase string, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.phase, p.total = phase, max(total, p.total)
}

func (p *progress) more(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.processed += n
}

func (p *progress) done(position int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.processed, p.total = position, max(position, p.total)
}

func (p *progress) compared(differences int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.differences = &differences
}

func (p *progress) read() (phase string, processed, total int64, differences *int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.phase, p.processed, p.total, p.differences
}

const starting = "starting" // the first phase

const announceRun = `
INSERT INTO derived.rebuilds (name, run, state, phase) VALUES ($1, $2, 'running', '` + starting + `')
ON CONFLICT (name) DO UPDATE SET run = excluded.run, state = excluded.state, phase = excluded.phase,
  processed = 0, total = 0, differences = NULL, cancel = false, error = NULL,
  started_at = excluded.started_at, seen_at = excluded.seen_at`

// announce is committed at once and not with the rebuild, so that others see it.
func (r *Run) announce(ctx context.Context) error {
	_, err := r.pool.Exec(ctx, announceRun, r.target.Name, r.id)
	return err
}

const reportEvery = 250 * time.Millisecond

const reportRun = `
UPDATE derived.rebuilds SET phase = $3, processed = $4, total = $5, seen_at = clock_timestamp()
WHERE name = $1 AND run = $2 RETURNING cancel`

// report tells others where the rebuild is, and stops it when somebody wishes so.
func (r *Run) report(ctx context.Context, stop context.CancelCauseFunc) {
	ticks := time.NewTicker(reportEvery)
	defer ticks.Stop()
	for {
		phase, processed, total, _ := r.progress.read()
		var cancel bool
		err := r.pool.QueryRow(ctx, reportRun, r.target.Name, r.id, phase, processed, total).Scan(&cancel)
		if cancel {
			stop(ErrCancelled)
		}
		if err != nil && ctx.Err() == nil {
			r.log.Warn().Str("error", outbox.Reason(err)).Msg("the progress was not reported")
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// stopReports has reports, and wishes to cancel, wait until the transaction ends: nothing is to be waited for by then.
func (r *Run) stopReports(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, "SELECT FROM derived.rebuilds WHERE name = $1 FOR UPDATE", r.target.Name)
	return err
}

const finishRun = `
UPDATE derived.rebuilds SET state = 'done', phase = $3, processed = $4, total = $5, differences = $6, seen_at = clock_timestamp()
WHERE name = $1 AND run = $2`

// finish commits, and the report that it is done with it.
func (r *Run) finish(ctx context.Context) error {
	phase, processed, total, differences := r.progress.read()
	if _, err := r.tx.Exec(ctx, finishRun, r.target.Name, r.id, phase, processed, total, differences); err != nil {
		return err
	}
	if err := r.tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	line := r.log.Info().Int64("events", processed)
	if differences != nil {
		line = line.Int("differences", *differences)
	}
	line.Msg("rebuilt")
	return nil
}

const (
	// Where the transaction was ended by closing its connection, the database takes a moment to notice.
	untilFree = `SELECT pg_advisory_xact_lock(7310580, hashtext($1))`
	failRun   = `UPDATE derived.rebuilds SET state = $3, error = $4, seen_at = clock_timestamp() WHERE name = $1 AND run = $2 AND state = 'running'`

	failTimeout = 5 * time.Second
)

// failed says what became of the rebuild, once the next one can begin.
func (r *Run) failed(ctx context.Context, why error) {
	ctx, cancel := context.WithTimeout(ctx, failTimeout)
	defer cancel()
	state, text := Failed, outbox.Reason(why)
	switch {
	case errors.Is(why, ErrCancelled):
		state = Cancelled
	case errors.Is(why, context.Canceled):
		text = "its process was stopped"
	}
	var untidy error
	err := pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, untilFree, r.target.Name); err != nil {
			return err
		}
		untidy = pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return r.target.drop(ctx, tx) }) // a savepoint
		_, err := tx.Exec(ctx, failRun, r.target.Name, r.id, state, text)
		return err
	})
	r.log.Warn().Str("error", text).AnErr("and then", errors.Join(err, untidy)).Msg("not rebuilt: the live tables are as they were")
}
