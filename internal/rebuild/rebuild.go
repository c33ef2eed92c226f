package rebuild

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/tuples"
)

// What can become of a rebuild.
var (
	ErrNoTarget    = errors.New("there is nothing of this name that can be rebuilt")
	ErrRunning     = errors.New("a rebuild of this is running")
	ErrCancelled   = errors.New("the rebuild was cancelled")
	ErrUnavailable = errors.New("the rebuild failed; the live tables are as they were")
)

// Target is something that can be rebuilt.
type Target struct {
	Name   string
	Tables []string // in the schema derived, each with a primary key and, if it has a subscription, a column user_id
	Rows   func() Rows
	// Live is the relay of the subscription whose rows these are, and Shadow that of one which handles
	// events into the schema rebuild. Without them the rows are a cache: they may be missing, are not
	// compared, and need not follow the log to its end.
	Live, Shadow *outbox.Relay
}

// Rows folds users, one after the other, and gathers the rows that they make.
type Rows interface {
	Begin(user uuid.UUID)
	Add(eventstore.Recorded) error // the next event about the user; one that fails leaves no trace
	Pass(eventstore.Recorded)      // one that was given up
	End()
	Take() []tuples.Rows // the rows gathered so far, for each table
}

// Run is a rebuild that has begun.
type Run struct {
	target   Target
	pool     *pgxpool.Pool
	log      zerolog.Logger
	tx       pgx.Tx
	id       uuid.UUID
	progress progress

	held      bool // the live subscription, which was far behind or nowhere
	way       way
	skipped   map[int64]bool     // the events given up that the fold knows of, and passes over
	different map[uuid.UUID]bool // users, as far as they have been compared
	compared  int64              // the position of the shadow then
}

// A build of an index can take minutes, fewer of them when it sorts in memory, and the table owner's rights are those of the group.
const beginRebuild = `BEGIN; SET LOCAL ROLE usersvc_app; SET LOCAL idle_in_transaction_session_timeout = %d; SET LOCAL statement_timeout = '30min';
SET LOCAL maintenance_work_mem = '256MB'`

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
	tx, err := r.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: fmt.Sprintf(beginRebuild, longestIdle.Milliseconds())})
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

// Do rebuilds, until it is done or ctx ends. It is to be called once.
func (r *Run) Do(ctx context.Context) error {
	working, stop := context.WithCancelCause(ctx)
	reported := make(chan struct{})
	go func() { defer close(reported); r.report(working, stop) }()
	err := r.do(working)
	if cause := context.Cause(working); cause != nil && err != nil {
		err = cause // and not what it led to
	}
	stop(nil)
	<-reported
	if err == nil {
		err = r.finish(ctx)
	}
	if err != nil {
		_ = r.tx.Rollback(context.WithoutCancel(ctx))
		r.failed(context.WithoutCancel(ctx), err)
		return unavailable("rebuild "+r.target.Name, err)
	}
	return nil
}

func (r *Run) do(ctx context.Context) error {
	through, err := r.through(ctx)
	if err != nil {
		return err
	}
	r.progress.at("folding", through)
	if err := r.create(ctx); err != nil {
		return err
	}
	if err := r.fold(ctx, through); err != nil {
		return err
	}
	r.progress.at("indexing", through)
	if err := r.index(ctx); err != nil {
		return err
	}
	if r.target.Shadow != nil && !r.held {
		if err := r.follow(ctx); err != nil {
			return err
		}
	}
	r.progress.at(switching, through)
	return r.switchOver(ctx)
}

func (r *Run) follow(ctx context.Context) error {
	position, err := r.catchUp(ctx, "catching up")
	if err != nil {
		return err
	}
	r.progress.at("comparing", position)
	return r.compareAll(ctx, position)
}

// FarBehind is how many events a subscription lacks at least, and a third of the log, when folding all of that takes it to the
// end sooner than its relay does: one handles some tens of thousands a second, the other about three times as many.
const FarBehind = 50_000

// through is the position up to which users are folded. Positions up to the end of the log never change,
// so it needs no snapshot of the database. A subscription that is far behind, or nowhere in the log, is held meanwhile, and
// there is nothing to compare with; of any other it is where that one is.
func (r *Run) through(ctx context.Context) (position int64, err error) {
	head, err := r.look(ctx)
	if err != nil || r.target.Live == nil {
		return head, err
	}
	if r.held, err = r.target.Live.PutBack(ctx, r.tx); err != nil || r.held {
		return head, err
	}
	checkpoint, err := r.target.Live.Checkpoint(ctx, r.tx)
	if err != nil || head-checkpoint < max(FarBehind, head/3) {
		return checkpoint, err
	}
	r.held = true
	return head, r.target.Live.Hold(ctx, r.tx)
}

const selectHead = `
SELECT COALESCE(max(position), 0), COALESCE(max(recorded_at) < clock_timestamp() - interval '1 second', true)
FROM (SELECT position, recorded_at FROM eventlog.events ORDER BY position DESC LIMIT 1) newest`

// look returns where the log ends, and sees whether others write.
func (r *Run) look(ctx context.Context) (head int64, err error) {
	var alone bool
	err = r.tx.QueryRow(ctx, selectHead).Scan(&head, &alone)
	r.way.alone.Store(alone)
	return head, err
}

// catchUp brings the shadow to where the live subscription is, but for the last few events.
func (r *Run) catchUp(ctx context.Context, phase string) (position int64, err error) {
	for {
		checkpoint, err := r.target.Live.Checkpoint(ctx, r.tx)
		if err != nil {
			return 0, err
		}
		r.progress.at(phase, checkpoint)
		behind := checkpoint - position
		if err := r.target.Shadow.Drain(ctx, r.tx, checkpoint); err != nil {
			return 0, err
		}
		position = checkpoint
		r.progress.done(position)
		if behind < fewEvents {
			return position, nil
		}
	}
}

// So many are handled in some hundredths of a second, for which the live subscription can wait.
const fewEvents = 1000

func unavailable(doing string, err error) error {
	if errors.Is(err, ErrCancelled) || errors.Is(err, ErrRunning) {
		return err
	}
	return fmt.Errorf("%s: %w: %w", doing, ErrUnavailable, outbox.Discreet(err))
}
