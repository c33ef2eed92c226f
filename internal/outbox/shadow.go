package outbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/safeguard"
)

// A rebuild follows the log as a subscription of its own, the shadow, whose rows and dead letters take
// the place of the live one's in the end. All of that is one transaction, the caller's: until it is
// committed nobody else sees the shadow.

// ErrSkippedMeanwhile says that an event was given up that the shadow has not passed over.
var ErrSkippedMeanwhile = errors.New("an event was given up while the rebuild was running")

const insertSubscription = `INSERT INTO derived.subscriptions (name, checkpoint) VALUES ($1, $2)`

// Begin makes the relay's subscription, with everything up to a position behind it.
func (r *Relay) Begin(ctx context.Context, tx pgx.Tx, checkpoint int64) error {
	if _, err := tx.Exec(ctx, insertSubscription, r.sub.Name, checkpoint); err != nil {
		return fmt.Errorf("begin subscription: %w", err)
	}
	return nil
}

// Drain handles all events up to a position that the subscription has not had, and parks what fails.
func (r *Relay) Drain(ctx context.Context, tx pgx.Tx, through int64) error {
	for {
		at, err := take(ctx, tx, r.sub.Name)
		if err != nil {
			return err
		}
		events, failed, err := r.handleNext(ctx, tx, at, through, r.handleMost)
		if err != nil || len(events) == 0 {
			return err
		}
		r.report(failed)
	}
}

// Checkpoint reads how far the subscription is.
func (r *Relay) Checkpoint(ctx context.Context, tx pgx.Tx) (int64, error) {
	var at standing
	if err := tx.QueryRow(ctx, standingOf, r.sub.Name).Scan(&at.Checkpoint, &at.Parked, &at.At); err != nil {
		return 0, fmt.Errorf("read checkpoint: %w", err)
	}
	return at.Checkpoint, nil
}

// Hold keeps the subscription from being worked until the transaction ends. It waits for the batch that
// is under way.
func (r *Relay) Hold(ctx context.Context, tx pgx.Tx) error { return await(ctx, tx, r.sub.Name) }

// Ahead of the log is where nobody can have read, unless a log was restored that ends earlier.
const isNowhere = `
SELECT count(*) <> 1 OR max(checkpoint) > (SELECT COALESCE(max(position), 0) FROM eventlog.events) FROM derived.subscriptions WHERE name = $1`

// PutBack has a subscription begin again that is nowhere in the log: its row is gone, there twice, or ahead. Until the transaction
// ends it is held. Of any other it says false.
func (r *Relay) PutBack(ctx context.Context, tx pgx.Tx) (nowhere bool, err error) {
	if err = tx.QueryRow(ctx, isNowhere, r.sub.Name).Scan(&nowhere); err == nil && nowhere {
		_, err = tx.Exec(ctx, dropSubscription, r.sub.Name)
		err = errors.Join(err, r.Begin(ctx, tx, 0))
	}
	if err != nil {
		return false, fmt.Errorf("put subscription back: %w", err)
	}
	return nowhere, nil
}

const selectSkipped = `SELECT position FROM derived.dead_letters WHERE subscription = $1 AND state = 'skipped' AND position <= $2`

// Skipped reads which events up to a position were given up.
func (r *Relay) Skipped(ctx context.Context, tx pgx.Tx, through int64) (map[int64]bool, error) {
	rows, _ := tx.Query(ctx, selectSkipped, r.sub.Name, through)
	skipped := make(map[int64]bool)
	var position int64
	if _, err := pgx.ForEachRow(rows, []any{&position}, func() error { skipped[position] = true; return nil }); err != nil {
		return nil, fmt.Errorf("read skipped events: %w", err)
	}
	return skipped, nil
}

const (
	skippedOthers = `
SELECT EXISTS (SELECT FROM derived.dead_letters WHERE subscription = $1 AND state = 'skipped' AND position <> ALL ($2))`
	dropQueues     = `DELETE FROM derived.dead_letters WHERE subscription = $1 AND state <> 'skipped'`
	takeQueuesOver = `UPDATE derived.dead_letters SET subscription = $1 WHERE subscription = $2`
	takeStandOver  = `
UPDATE derived.subscriptions live
SET checkpoint = shadow.checkpoint, parked = shadow.parked, moved_at = clock_timestamp(), failures = 0, failing_since = NULL, last_error = NULL
FROM derived.subscriptions shadow WHERE live.name = $1 AND shadow.name = $2`
	dropSubscription = `DELETE FROM derived.subscriptions WHERE name = $1`
)

// Replace puts where the shadow stands, and what it has parked, in the place of the subscription's own,
// which the caller holds. The shadow has passed over these of the events that were given up: if there are others, however old,
// it is ErrSkippedMeanwhile.
func (r *Relay) Replace(ctx context.Context, tx pgx.Tx, shadow *Relay, passed map[int64]bool) error {
	known := slices.AppendSeq([]int64{}, maps.Keys(passed)) // never NULL
	var skipped bool
	if err := tx.QueryRow(ctx, skippedOthers, r.sub.Name, known).Scan(&skipped); err != nil || skipped {
		return errors.Join(err, ErrSkippedMeanwhile)
	}
	var b pgx.Batch
	b.Queue(dropQueues, r.sub.Name)
	b.Queue(takeQueuesOver, r.sub.Name, shadow.sub.Name)
	if !safeguard.Removed(safeguard.HandOver) {
		b.Queue(takeStandOver, r.sub.Name, shadow.sub.Name)
	}
	b.Queue(dropSubscription, shadow.sub.Name)
	if err := tx.SendBatch(ctx, &b).Close(); err != nil {
		return fmt.Errorf("replace subscription: %w", err)
	}
	return nil
}

const selectParkedOnes = `SELECT DISTINCT user_id FROM derived.dead_letters WHERE subscription = $1 AND state <> 'skipped'`

// ParkedUsers reads who has a queue.
func (r *Relay) ParkedUsers(ctx context.Context, tx pgx.Tx) ([]uuid.UUID, error) {
	rows, _ := tx.Query(ctx, selectParkedOnes, r.sub.Name)
	users, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("read parked users: %w", err)
	}
	return users, nil
}
