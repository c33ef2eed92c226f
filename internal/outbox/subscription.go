package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/safeguard"
)

// Subscription is a named reader of the log. Its functions write in tx, which they never end.
type Subscription struct {
	Name string
	// Handle gets events in order of position. Events about different users must not depend on each
	// other: when it fails, it is called again, in the same transaction, with fewer of them.
	Handle func(ctx context.Context, tx pgx.Tx, events []eventstore.Recorded) error
	// Skip passes an event over that was given up: later ones of the user can be handled after it.
	Skip func(ctx context.Context, tx pgx.Tx, event eventstore.Recorded) error
	// UserOf says whom an event is about, whatever its type.
	UserOf func(eventstore.Recorded) uuid.UUID
	// Moved, if set, is told after each commit that moved the checkpoint.
	Moved func()
	// Handled, if set, is told after each of these what was handled. Neither may take long.
	Handled func(Batch)
}

// Batch is what was handled together: the events behind a position, up to another.
type Batch struct {
	Subscription   string
	After, Through int64
	Began, Ended   time.Time
}

// standing is where a subscription was found by whoever took it.
type standing struct {
	Checkpoint int64
	Parked     int64     // users with a queue of dead letters
	At         time.Time // by the database's clock, as the times of events are
}

// The row changes many times a second, and while somebody's transaction is open, be it a backup of an hour, all that it was since
// then is kept. The newest is found first in the order of the primary key, however much of that there is: everybody who is in
// a hurry asks in this way (see also projections.standing), and says which checkpoint he moves.
const standingOf = `
SELECT checkpoint, parked, clock_timestamp() FROM derived.subscriptions WHERE name = $1 ORDER BY checkpoint DESC LIMIT 1`

// Whoever holds the row works the subscription; the others go away at once and try later.
const takeSubscription = standingOf + ` FOR UPDATE SKIP LOCKED`

func take(ctx context.Context, tx pgx.Tx, name string) (standing, error) {
	sql := takeSubscription
	if safeguard.Removed(safeguard.Turns) || safeguard.Removed(safeguard.OneTransaction) {
		sql = standingOf // what is left of that without the safeguards that rest on the lock
	}
	rows, _ := tx.Query(ctx, sql, name)
	s, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[standing])
	if errors.Is(err, pgx.ErrNoRows) {
		return s, errTaken
	}
	if err != nil {
		return s, fmt.Errorf("take subscription: %w", err)
	}
	return s, nil
}

var errTaken = errors.New("another replica works the subscription")

// await waits until the batch under way is over, and takes the subscription.
func await(ctx context.Context, tx pgx.Tx, name string) error {
	_, err := tx.Exec(ctx, standingOf+" FOR UPDATE", name)
	if err != nil {
		return fmt.Errorf("wait for the subscription: %w", err)
	}
	return nil
}

const moveCheckpoint = `
UPDATE derived.subscriptions
SET checkpoint = $3, moved_at = clock_timestamp(), failures = 0, failing_since = NULL, last_error = NULL
WHERE name = $1 AND checkpoint = $2`

func move(ctx context.Context, tx pgx.Tx, name string, from, to int64) error {
	if _, err := tx.Exec(ctx, moveCheckpoint, name, from, to); err != nil {
		return fmt.Errorf("move checkpoint: %w", err)
	}
	return nil
}

// Another replica may have got past the checkpoint meanwhile: then there is no failure any more.
const recordHandlerFailure = `
UPDATE derived.subscriptions
SET failures = failures + 1, failing_since = COALESCE(failing_since, clock_timestamp()), last_error = $3
WHERE name = $1 AND checkpoint = $2`

func recordFailure(ctx context.Context, pool *pgxpool.Pool, name string, checkpoint int64, reason string) error {
	_, err := pool.Exec(ctx, recordHandlerFailure, name, checkpoint, reason)
	return err
}
