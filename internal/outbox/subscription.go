package outbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Whoever holds the row works the subscription; the others go away at once and try later.
const takeSubscription = `
SELECT checkpoint FROM derived.subscriptions WHERE name = $1 FOR UPDATE SKIP LOCKED`

func take(ctx context.Context, tx pgx.Tx, name string) (checkpoint int64, err error) {
	rows, _ := tx.Query(ctx, takeSubscription, name)
	checkpoint, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[int64])
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, errTaken
	}
	if err != nil {
		return 0, fmt.Errorf("take subscription: %w", err)
	}
	return checkpoint, nil
}

var errTaken = errors.New("another replica works the subscription")

const moveCheckpoint = `
UPDATE derived.subscriptions
SET checkpoint = $2, moved_at = clock_timestamp(), failures = 0, failing_since = NULL, last_error = NULL
WHERE name = $1`

func move(ctx context.Context, tx pgx.Tx, name string, checkpoint int64) error {
	if _, err := tx.Exec(ctx, moveCheckpoint, name, checkpoint); err != nil {
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
