package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/eventstore"
)

const (
	// A larger batch is a little cheaper per event, but whoever waits for its last event waits for all
	// of it: under full load 2,000 made the lag's 99th percentile twice that of 500.
	batchSize = 250
	// After a batch that was not full the relay rests this long, so that under a stream of single
	// commands it works a handful of events at a time instead of paying for a transaction each. An
	// event that comes after a pause is handled at once.
	rest = 20 * time.Millisecond
	// While another replica works the subscription this one looks again so soon: the event it was woken
	// for may have come too late for the other's batch.
	retake = 25 * time.Millisecond
	// Commands of this process wake the relay. Those of other replicas wake theirs; this is for what
	// a replica that died left behind.
	poll = time.Second
)

// Subscription is a named reader of the log. Handle gets events in order of position and writes in tx,
// which it never ends. Moved, if set, is told after each commit that moved the checkpoint.
type Subscription struct {
	Name   string
	Handle func(ctx context.Context, tx pgx.Tx, events []eventstore.Recorded) error
	Moved  func()
}

// Relay works one subscription.
type Relay struct {
	pool *pgxpool.Pool
	sub  Subscription
	log  zerolog.Logger
	wake chan struct{}
	rate rate
}

// New makes a relay; Run drives it.
func New(pool *pgxpool.Pool, sub Subscription, log zerolog.Logger) *Relay {
	if sub.Moved == nil {
		sub.Moved = func() {}
	}
	return &Relay{pool: pool, sub: sub, log: log.With().Str("subscription", sub.Name).Logger(), wake: make(chan struct{}, 1)}
}

// Wake says that there may be new events. It never blocks.
func (r *Relay) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run hands events to the handler until ctx ends. The batch under way is then rolled back or committed
// as a whole, as ever.
func (r *Relay) Run(ctx context.Context) {
	pause := newPause()
	for ctx.Err() == nil {
		n, err := r.step(ctx)
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, errTaken):
			r.sleep(ctx, retake)
		case err != nil:
			r.failed(ctx, err)
			r.sleep(ctx, pause.NextBackOff())
		case n == batchSize:
			pause.Reset()
		default:
			pause.Reset()
			r.sleep(ctx, rest)
			r.idle(ctx)
		}
	}
}

// step handles the next batch and returns its size, or errTaken while another replica is at it.
func (r *Relay) step(ctx context.Context) (n int, err error) {
	tx, err := r.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: "BEGIN; SET LOCAL synchronous_commit = off"})
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // does nothing after the commit
	checkpoint, err := take(ctx, tx, r.sub.Name)
	if err != nil {
		return 0, err
	}
	events, err := eventstore.After(ctx, tx, checkpoint, batchSize)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	if err := r.sub.Handle(ctx, tx, events); err != nil {
		if isDatabaseFailure(tx, err) {
			return 0, err
		}
		return 0, &handlerError{checkpoint, err}
	}
	if err := move(ctx, tx, r.sub.Name, events[len(events)-1].Position); err != nil {
		return 0, err
	}
	if err := tx.Commit(ctx); err != nil {
		return 0, fmt.Errorf("commit batch: %w", err)
	}
	r.rate.add(len(events))
	r.sub.Moved()
	return len(events), nil
}

// failed records a handler's failure where an operator looks for it. Of the database's own failures
// there is nothing to record, and nowhere to record it.
func (r *Relay) failed(ctx context.Context, err error) {
	var h *handlerError
	if !errors.As(err, &h) {
		r.log.Warn().Str("error", reason(err)).Msg("the database failed; the relay tries again")
		return
	}
	r.log.Error().Str("error", reason(err)).Int64("checkpoint", h.checkpoint).Msg("the handler failed; the relay tries again")
	if err := recordFailure(ctx, r.pool, r.sub.Name, h.checkpoint, reason(err)); err != nil {
		r.log.Warn().Str("error", reason(err)).Msg("the failure could not be recorded")
	}
}

// idle returns when there may be something to do.
func (r *Relay) idle(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-r.wake:
	case <-time.After(poll):
	}
}

func (r *Relay) sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func newPause() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = 50*time.Millisecond, 5*time.Second
	return b
}
