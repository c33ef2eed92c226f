package outbox

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/safeguard"
)

const (
	// Whoever waits for the last event of a batch waits for all of it, but a larger one is cheaper per event, and under
	// full load the relay is behind by what it cannot afford: 250 made it 0.6 s to 0.8 s at the 99th percentile, 1,000
	// makes it 0.2 s.
	batchSize = 1000
	// So many events are worth a transaction of their own: after them the relay does not rest.
	worthwhile = 100
	// To find what fails in a batch takes several times as long as handling it, and everybody waits for that. So the next
	// one may be this part as large, and they grow twofold with each that is committed.
	afterFailure = 8
	smallest     = 20
)

// step handles the next batch and says whether more is due at once, or returns errTaken while another replica is at it. When
// the handler fails, a smaller batch is handled, and what fails in it is parked.
func (r *Relay) step(ctx context.Context) (more bool, err error) {
	n, err := r.batch(ctx, r.handleAll)
	if isHandlersFault(err) && !safeguard.Removed(safeguard.Parking) {
		r.size = max(r.size/afterFailure, smallest)
		n, err = r.batch(ctx, r.handleMost)
	}
	more = n == r.size || n >= worthwhile
	if n > 0 {
		r.size = min(2*r.size, batchSize)
	}
	return more, err
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
	taken := time.Now()
	events, failed, err := r.handleNext(ctx, tx, r.at, endOfLog, handle)
	if n = len(events); err != nil || n == 0 {
		return 0, err
	}
	if err := tx.Commit(ctx); err != nil {
		return 0, fmt.Errorf("commit batch: %w", err)
	}
	r.behind.Store(&behind{r.at.At.Sub(events[0].RecordedAt) + time.Since(taken), time.Now()})
	r.report(failed)
	r.rate.add(n)
	r.sub.Moved()
	r.sub.Handled(Batch{r.sub.Name, r.at.Checkpoint, r.at.Checkpoint + int64(n), began, time.Now()})
	return n, nil
}

const endOfLog = math.MaxInt64

// handleNext handles up to a batch of events behind the checkpoint, which it returns, parks what has to be and moves the
// checkpoint behind them, in a transaction that has taken the subscription.
func (r *Relay) handleNext(ctx context.Context, tx pgx.Tx, at standing, through int64, handle handling) (events []eventstore.Recorded, failed []Letter, err error) {
	events, err = eventstore.After(ctx, tx, at.Checkpoint, through, r.size)
	if err != nil || len(events) == 0 {
		return nil, nil, err
	}
	last := events[len(events)-1].Position
	if safeguard.Removed(safeguard.OneTransaction) {
		err := pgx.BeginFunc(ctx, r.pool, func(apart pgx.Tx) error { return move(ctx, apart, r.sub.Name, at.Checkpoint, last) })
		if err != nil {
			return nil, nil, err
		}
	}
	free, parked := events, []Letter(nil)
	if at.Parked > 0 {
		if free, parked, err = r.divert(ctx, tx, events); err != nil {
			return nil, nil, err
		}
	}
	if failed, err = handle(ctx, tx, free); err != nil {
		return nil, nil, err
	}
	if err := r.Park(ctx, tx, append(parked, failed...)); err != nil {
		return nil, nil, err
	}
	return events, failed, move(ctx, tx, r.sub.Name, at.Checkpoint, last)
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
