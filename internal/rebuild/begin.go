package rebuild

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/projections"
)

// A build of an index can take minutes, and the table owner's rights are those of the group. One processor is left to whoever writes
// meanwhile, or to another maker. Statistics are coarse: as all rows are new, PostgreSQL takes finer ones by itself within a minute.
const howToMake = `SET LOCAL ROLE usersvc_app; SET LOCAL idle_in_transaction_session_timeout = %d; SET LOCAL statement_timeout = '30min';
SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL max_parallel_maintenance_workers = 0; SET LOCAL default_statistics_target = 20`

// making begins a transaction, or goes on after one, with what is set for it alone.
func making(begin string) string {
	return begin + "; " + fmt.Sprintf(howToMake, longestIdle.Milliseconds())
}

// When a process freezes, the database ends its rebuild after so long: one that works looks at the log far more often.
var longestIdle, lookEvery = 30 * time.Second, 5 * time.Second

// WithoutTimeLimit lets a transaction take long, where PostgreSQL limits it (from 17 on).
const WithoutTimeLimit = `SELECT set_config(name, '0', true) FROM pg_settings WHERE name = 'transaction_timeout'`

const shadowSchema = string(projections.Shadow)

// One lock for each target, apart from that of the log.
const tryLock = `SELECT pg_try_advisory_xact_lock(7310580, hashtext($1))`

// Begin takes a target: ErrRunning, ErrNoTarget or ErrUnavailable. The rebuild outlives ctx: Do ends it.
func (r *Rebuilds) Begin(ctx context.Context, name string) (_ *Run, err error) {
	t, ok := r.targets[name]
	if !ok {
		return nil, ErrNoTarget
	}
	if err := tidyUp(ctx, r.pool, t); err != nil {
		return nil, unavailable("begin rebuild", err)
	}
	tx, err := r.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: making("BEGIN")})
	if err != nil {
		return nil, unavailable("begin rebuild", err)
	}
	defer func() {
		if err != nil {
			_ = tx.Rollback(context.WithoutCancel(ctx))
		}
	}()
	var free bool
	if err := tx.QueryRow(ctx, tryLock, t.Name).Scan(&free); err != nil {
		return nil, unavailable("begin rebuild", err)
	}
	if !free {
		return nil, ErrRunning
	}
	if _, err := tx.Exec(ctx, WithoutTimeLimit); err != nil {
		return nil, unavailable("begin rebuild", err)
	}
	run := &Run{target: t, pool: r.pool, log: r.log.With().Str("rebuild", t.Name).Logger(), tx: tx, id: uuid.New()}
	run.progress.at(starting, 0)
	if err := run.announce(ctx); err != nil {
		return nil, unavailable("begin rebuild", err)
	}
	return run, nil
}
