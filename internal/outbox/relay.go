package outbox

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"
)

const (
	// After a small batch the relay rests this long, so that under a stream of single commands it works
	// a handful of events at a time instead of paying for a transaction each. An event that comes after
	// a pause is handled at once.
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
	pool   *pgxpool.Pool
	sub    Subscription
	retry  Retry
	log    zerolog.Logger
	wake   chan struct{}
	rate   rate
	behind atomic.Pointer[behind] // as the newest batch told

	// What follows belongs to Run or, for a shadow, to Drain.
	size     int       // of the next batch at most, in events
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
		pool: pool, sub: sub, retry: retry, wake: make(chan struct{}, 1), size: batchSize,
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
		more, err := r.work(ctx)
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, errTaken):
			r.sleep(ctx, retake)
		case err != nil:
			r.failed(ctx, err)
			r.sleep(ctx, pause.NextBackOff())
		case more:
			pause.Reset()
		default:
			pause.Reset()
			r.sleep(ctx, rest)
			r.idle(ctx)
		}
	}
}

// work handles the next batch, and now and then what is due again: also when as much is parked as may be, as nothing else makes
// room for the batch. Where there is some, it is tried at once.
func (r *Relay) work(ctx context.Context) (more bool, err error) {
	more, err = r.step(ctx)
	if err != nil && !isHandlersFault(err) {
		return false, err
	}
	released, failure := r.retryNowAndThen(ctx)
	if released > 0 {
		return true, failure
	}
	return more, errors.Join(err, failure)
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
