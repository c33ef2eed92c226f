package rebuild

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/outbox"
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
	// Largest is the one of them, if any, that takes about as long to make as all others together.
	Largest string
	Rows    func() Rows
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
	makers   []maker // the first of them in tx

	held      bool // the live subscription, which was far behind or nowhere
	way       way
	skipped   map[int64]bool     // the events given up that the fold knows of, and passes over
	different map[uuid.UUID]bool // users, as far as they have been compared
	compared  int64              // the position of the shadow then
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
		r.rollBack(context.WithoutCancel(ctx))
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
	if err := r.findMakers(ctx); err != nil {
		return err
	}
	if err := r.together(ctx, maker.create); err != nil {
		return err
	}
	if err := r.fold(ctx, through); err != nil {
		return err
	}
	r.progress.at("indexing", through)
	if err := r.index(ctx); err != nil {
		return err
	}
	if err := r.joinMakers(ctx, through); err != nil {
		return err
	}
	if err := r.follow(ctx); err != nil {
		return err
	}
	r.progress.at(switching, through)
	return r.switchOver(ctx)
}

func unavailable(doing string, err error) error {
	if errors.Is(err, ErrCancelled) || errors.Is(err, ErrRunning) {
		return err
	}
	return fmt.Errorf("%s: %w: %w", doing, ErrUnavailable, outbox.Discreet(err))
}
