package outbox

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/safeguard"
)

const (
	// Whoever waits for the last event of a batch waits for all of it, but a larger one is cheaper per event, and under
	// full load the relay is behind by what it cannot afford: 250 made it 0.6 s to 0.8 s at the 99th percentile, 1,000
	// makes it 0.2 s.
	batchSize = 1000
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

// Relay works one subscription.
type Relay struct {
	pool  *pgxpool.Pool
	sub   Subscription
	retry Retry
	log   zerolog.Logger
	wake  chan struct{}
	rate  rate

	// What follows belongs to Run.
	at       standing  // when it last took the subscription
	lookedAt time.Time // when it last looked for what is due
}

// New makes a relay; Run drives it.
func New(pool *pgxpool.Pool, sub Subscription, retry Retry, log zerolog.Logger) *Relay {
	if sub.Moved == nil {
		sub.Moved = func() {}
	}
	if sub.Handled == nil {
		sub.Handled = func(Batch) {}
	}
	return &Relay{
		pool: pool, sub: sub, retry: retry, wake: make(chan struct{}, 1),
		log: log.With().Str("subscription", sub.Name).Logger(),
	}
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
		if err == nil {
			err = r.retryNowAndThen(ctx)
		}
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

// step handles the next batch and returns its size, or errTaken while another replica is at it. When
// the handler fails, the batch is handled once more, and what fails in it is parked.
func (r *Relay) step(ctx context.Context) (n int, err error) {
	n, err = r.batch(ctx, r.handleAll)
	if isHandlersFault(err) && !safeguard.Removed(safeguard.Parking) {
		return r.batch(ctx, r.handleMost)
	}
	return n, err
}

// batch takes the subscription and the next events, and commits what handle does to them, what it wants
// parked and the checkpoint behind them together.
func (r *Relay) batch(ctx context.Context, handle handling) (n int, err error) {
	began := time.Now()
	tx, err := r.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: "BEGIN; SET LOCAL synchronous_commit = off"})
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // does nothing after the commit
	if r.at, err = take(ctx, tx, r.sub.Name); err != nil {
		return 0, err
	}
	n, failed, err := r.handleNext(ctx, tx, r.at, endOfLog, handle)
	if err != nil || n == 0 {
		return 0, err
	}
	if err := tx.Commit(ctx); err != nil {
		return 0, fmt.Errorf("commit batch: %w", err)
	}
	r.report(failed)
	r.rate.add(n)
	r.sub.Moved()
	r.sub.Handled(Batch{r.sub.Name, r.at.Checkpoint, r.at.Checkpoint + int64(n), began, time.Now()})
	return n, nil
}

const endOfLog = math.MaxInt64

// handleNext handles up to a batch of events behind the checkpoint, parks what has to be and moves the
// checkpoint behind them, in a transaction that has taken the subscription.
func (r *Relay) handleNext(ctx context.Context, tx pgx.Tx, at standing, through int64, handle handling) (n int, failed []Letter, err error) {
	events, err := eventstore.After(ctx, tx, at.Checkpoint, through, batchSize)
	if err != nil || len(events) == 0 {
		return 0, nil, err
	}
	last := events[len(events)-1].Position
	if safeguard.Removed(safeguard.OneTransaction) {
		err := pgx.BeginFunc(ctx, r.pool, func(apart pgx.Tx) error { return move(ctx, apart, r.sub.Name, at.Checkpoint, last) })
		if err != nil {
			return 0, nil, err
		}
	}
	free, parked := events, []Letter(nil)
	if at.Parked > 0 {
		if free, parked, err = r.divert(ctx, tx, events); err != nil {
			return 0, nil, err
		}
	}
	if failed, err = handle(ctx, tx, free); err != nil {
		return 0, nil, err
	}
	if err := r.Park(ctx, tx, append(parked, failed...)); err != nil {
		return 0, nil, err
	}
	return len(events), failed, move(ctx, tx, r.sub.Name, at.Checkpoint, last)
}

// handling is handleAll or handleMost.
type handling func(context.Context, pgx.Tx, []eventstore.Recorded) (failed []Letter, err error)

// handleAll is the usual way: one call, and no savepoint.
func (r *Relay) handleAll(ctx context.Context, tx pgx.Tx, events []eventstore.Recorded) ([]Letter, error) {
	if len(events) == 0 {
		return nil, nil
	}
	return nil, r.handle(ctx, tx, events)
}

func (r *Relay) handleMost(ctx context.Context, tx pgx.Tx, events []eventstore.Recorded) ([]Letter, error) {
	return r.sort(ctx, tx, r.byUser(events))
}

// report says loudly what was parked.
func (r *Relay) report(parked []Letter) {
	for _, l := range parked {
		if l.Err != nil {
			r.log.Error().Str("error", Reason(l.Err)).Int64("position", l.Event.Position).Str("type", l.Event.Type).
				Stringer("user", l.User).Msg("an event failed and is parked, with the later ones of its user")
		}
	}
}

// failed records where an operator looks for it that the subscription is held up. Of the database's own
// failures there is nothing to record, and nowhere to record it.
func (r *Relay) failed(ctx context.Context, err error) {
	if !isHandlersFault(err) {
		r.log.Warn().Str("error", Reason(err)).Msg("the database failed; the relay tries again")
		return
	}
	r.log.Error().Str("error", Reason(err)).Msg("the subscription is held up; the relay tries again")
	if err := recordFailure(ctx, r.pool, r.sub.Name, r.at.Checkpoint, Reason(err)); err != nil {
		r.log.Warn().Str("error", Reason(err)).Msg("the failure could not be recorded")
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
