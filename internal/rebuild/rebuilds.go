package rebuild

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"
)

// Rebuilds are the rebuilds that a process runs. Each uses three connections of a pool meanwhile, or five while nobody writes.
type Rebuilds struct {
	pool    *pgxpool.Pool
	log     zerolog.Logger
	targets map[string]Target

	background context.Context //nolint:containedctx // of what Start began, until Close
	stop       context.CancelFunc
	running    sync.WaitGroup
}

// New knows what can be rebuilt.
func New(pool *pgxpool.Pool, log zerolog.Logger, targets ...Target) *Rebuilds {
	r := &Rebuilds{pool: pool, log: log, targets: make(map[string]Target)}
	for _, t := range targets {
		r.targets[t.Name] = t
	}
	r.background, r.stop = context.WithCancel(context.Background())
	return r
}

// Start begins a rebuild, as Begin does, and goes on with it in the background until Close.
func (r *Rebuilds) Start(ctx context.Context, name string) error {
	run, err := r.Begin(ctx, name)
	if err != nil {
		return err
	}
	r.running.Go(func() { _ = run.Do(r.background) }) // which says what becomes of it
	return nil
}

// Rebuild begins a rebuild and returns when it is done.
func (r *Rebuilds) Rebuild(ctx context.Context, name string) error {
	run, err := r.Begin(ctx, name)
	if err != nil {
		return err
	}
	return run.Do(ctx)
}

// Regularly rebuilds so often after the last time, whichever replica that was, until ctx ends.
func (r *Rebuilds) Regularly(ctx context.Context, name string, every time.Duration) {
	looks := time.NewTicker(min(every, lookForDue))
	defer looks.Stop()
	for {
		last, ok, err := r.Status(ctx, name)
		if err == nil && (!ok || time.Since(last.StartedAt) >= every) {
			_ = r.Rebuild(ctx, name) // which says what becomes of it; another replica may be at it
		}
		select {
		case <-ctx.Done():
			return
		case <-looks.C:
		}
	}
}

// Whoever rebuilds regularly does so every few hours or days.
const lookForDue = time.Minute

// A migration that adds a table to a projection marks it by a comment, which goes with it when a rebuild replaces it.
// After an import, or with a new projection, the subscription is far behind.
const findIncomplete = `
SELECT EXISTS (SELECT FROM unnest($1::text[]) AS name WHERE obj_description(('derived.' || name)::regclass, 'pg_class') IS NOT NULL)
  OR (SELECT head - checkpoint >= GREATEST($3, head / 3)
      FROM derived.subscriptions, (SELECT max(position) AS head FROM eventlog.events) AS log WHERE name = $2)`

// Complete tidies up what a crash has left of a rebuild, rebuilds what a migration has left incomplete, or what is far behind, and returns
// when that is done, by whichever replica, or ctx ends.
func (r *Rebuilds) Complete(ctx context.Context, name string) {
	for {
		err := r.complete(ctx, name)
		if err == nil {
			return
		}
		pause := lookForDue
		if errors.Is(err, ErrRunning) {
			pause = lookEvery
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

func (r *Rebuilds) complete(ctx context.Context, name string) error {
	t := r.targets[name]
	if err := tidyUp(ctx, r.pool, t); err != nil {
		return err
	}
	var incomplete bool
	err := r.pool.QueryRow(ctx, findIncomplete, t.Tables, name, FarBehind).Scan(&incomplete)
	if err != nil || !incomplete {
		return err
	}
	return r.Rebuild(ctx, name)
}

const cancelRun = `UPDATE derived.rebuilds SET cancel = true WHERE name = $1 AND state = 'running'`

// Cancel has a rebuild ended that is under way, in whatever replica, in a moment. Without one it does nothing.
func (r *Rebuilds) Cancel(ctx context.Context, name string) error {
	if _, err := r.pool.Exec(ctx, cancelRun, name); err != nil {
		return unavailable("cancel rebuild", err)
	}
	return nil
}

// Close ends what Start began: it is as if it had never been begun.
func (r *Rebuilds) Close() {
	r.stop()
	r.running.Wait()
}
