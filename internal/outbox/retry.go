package outbox

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/eventstore"
)

const (
	// Pauses are a second and longer.
	lookForDue = 500 * time.Millisecond
	// A round of retries must not keep the relay from its subscription for long.
	dueTogether = 20
	// A queue can be as long as the user's history. What is left is due at once.
	retriedTogether = 500
)

const selectDue = `
SELECT user_id FROM derived.dead_letters
WHERE subscription = $1 AND state = 'retrying' AND next_try_at <= clock_timestamp()
ORDER BY next_try_at LIMIT $2`

// retryNowAndThen looks for what is due between two batches, and returns how many events are parked no longer.
func (r *Relay) retryNowAndThen(ctx context.Context) (released int, err error) {
	if r.at.Parked == 0 || time.Since(r.lookedAt) < lookForDue {
		return 0, nil
	}
	r.lookedAt = time.Now()
	_, released, err = r.retryDue(ctx)
	return released, err
}

// RetryDue tries all queues again whose time has come.
func (r *Relay) RetryDue(ctx context.Context) error {
	for {
		if users, _, err := r.retryDue(ctx); err != nil || users == 0 {
			return outward(err)
		}
	}
}

// retryDue tries the queues of a few users whose time has come.
func (r *Relay) retryDue(ctx context.Context) (users, released int, err error) {
	rows, _ := r.pool.Query(ctx, selectDue, r.sub.Name, dueTogether)
	due, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return 0, 0, fmt.Errorf("look for what is due: %w", err)
	}
	for _, user := range due {
		var done int
		err := r.inTurn(ctx, func(tx pgx.Tx) (err error) { done, err = r.retryQueue(ctx, tx, user); return err })
		if err != nil {
			return users, released, err
		}
		users, released = users+1, released+done
	}
	return users, released, nil
}

// inTurn runs f while the subscription is taken. It commits as an operator's action does: synchronously.
func (r *Relay) inTurn(ctx context.Context, f func(pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		if err := await(ctx, tx, r.sub.Name); err != nil {
			return err
		}
		return f(tx)
	})
	if err == nil {
		r.sub.Moved()
	}
	return err
}

// queued is a dead letter of a user's queue.
type queued struct {
	Position int64
	Attempts int
}

const selectQueue = `
SELECT position, attempts FROM derived.dead_letters
WHERE subscription = $1 AND user_id = $2 AND state <> 'skipped' ORDER BY position LIMIT $3`

// retryQueue handles a user's queue in order, up to the first event that fails, and returns how many it released.
func (r *Relay) retryQueue(ctx context.Context, tx pgx.Tx, user uuid.UUID) (done int, err error) {
	rows, _ := tx.Query(ctx, selectQueue, r.sub.Name, user, retriedTogether)
	queue, err := pgx.CollectRows(rows, pgx.RowToStructByPos[queued])
	if err != nil || len(queue) == 0 {
		return 0, err
	}
	positions := make([]int64, len(queue))
	for i, q := range queue {
		positions[i] = q.Position
	}
	events, err := eventstore.AtPositions(ctx, tx, positions)
	if err != nil {
		return 0, err
	}
	failed, err := r.sort(ctx, tx, [][]eventstore.Recorded{events})
	if err != nil {
		return 0, err
	}
	done = len(queue) - len(failed)
	if err := r.release(ctx, tx, positions[:done]); err != nil {
		return 0, err
	}
	if len(failed) > 0 {
		err = r.failedAgain(ctx, tx, queue[done], failed[0].Err)
	} else {
		err = r.goOn(ctx, tx, user)
	}
	if err != nil {
		return 0, err
	}
	r.log.Info().Stringer("user", user).Int("handled", done).Int("waiting", len(failed)).Msg("tried parked events again")
	return done, r.unpark(ctx, tx, user)
}

const deleteLetters = `DELETE FROM derived.dead_letters WHERE subscription = $1 AND position = ANY ($2)`

func (r *Relay) release(ctx context.Context, tx pgx.Tx, positions []int64) error {
	if _, err := tx.Exec(ctx, deleteLetters, r.sub.Name, slices.Clip(positions)); err != nil {
		return fmt.Errorf("release events: %w", err)
	}
	return nil
}

const countOneOut = `
UPDATE derived.subscriptions SET parked = parked - 1 WHERE name = $1 AND NOT EXISTS (
  SELECT FROM derived.dead_letters WHERE subscription = $1 AND user_id = $2 AND state <> 'skipped'
)`

// unpark notes that a user who was parked is so no longer, if nothing is left of the queue. To count everybody would take longer
// than the retry, and there is no need to, as whoever changes a queue holds the subscription.
func (r *Relay) unpark(ctx context.Context, tx pgx.Tx, user uuid.UUID) error {
	if _, err := tx.Exec(ctx, countOneOut, r.sub.Name, user); err != nil {
		return fmt.Errorf("count a user out: %w", err)
	}
	return nil
}

const updateFailed = `
UPDATE derived.dead_letters
SET state = $3, attempts = $4, error = $5, first_failed_at = COALESCE(first_failed_at, clock_timestamp()),
  last_failed_at = clock_timestamp(),
  next_try_at = CASE $3 WHEN 'retrying' THEN clock_timestamp() + make_interval(secs => $6) END
WHERE subscription = $1 AND position = $2`

func (r *Relay) failedAgain(ctx context.Context, tx pgx.Tx, q queued, failure error) error {
	attempts := q.Attempts + 1
	state := r.retry.stateAfter(attempts)
	_, err := tx.Exec(ctx, updateFailed, r.sub.Name, q.Position, state, attempts, Reason(failure), r.retry.pause(attempts).Seconds())
	if err != nil {
		return fmt.Errorf("note a failure: %w", err)
	}
	line := r.log.Warn()
	if state == Dead {
		line = r.log.Error()
	}
	line.Str("error", Reason(failure)).Int64("position", q.Position).Int("attempts", attempts).Str("state", state).Msg("a parked event failed again")
	return nil
}

const wakeRest = `
UPDATE derived.dead_letters SET state = 'retrying', next_try_at = clock_timestamp()
WHERE id = (
  SELECT id FROM derived.dead_letters
  WHERE subscription = $1 AND user_id = $2 AND state <> 'skipped' ORDER BY position LIMIT 1
)`

// goOn makes what is left of a long queue due.
func (r *Relay) goOn(ctx context.Context, tx pgx.Tx, user uuid.UUID) error {
	if _, err := tx.Exec(ctx, wakeRest, r.sub.Name, user); err != nil {
		return fmt.Errorf("go on with a queue: %w", err)
	}
	return nil
}
