package outbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/eventstore"
)

// What can be wrong with an operator's wish.
var (
	ErrNoDeadLetter = errors.New("no such dead letter")
	ErrNotFirst     = errors.New("an earlier event of the same user has to be settled first")
)

// Retry tries a dead letter at once, with those of the same user before and behind it, and returns how
// many of the user's events are still parked.
func (r *Relay) Retry(ctx context.Context, id uuid.UUID) (left int, err error) {
	err = r.inTurn(ctx, func(tx pgx.Tx) error {
		l, err := r.find(ctx, tx, id)
		if err != nil {
			return err
		}
		if _, err := r.retryQueue(ctx, tx, l.UserID); err != nil {
			return err
		}
		left, err = r.left(ctx, tx, l.UserID)
		return err
	})
	return left, outward(err)
}

const makeAllDue = `
UPDATE derived.dead_letters SET state = 'retrying', attempts = 0, next_try_at = clock_timestamp()
WHERE subscription = $1 AND state IN ('retrying', 'dead')`

// RetryAll makes every queue due and returns how many there are. A relay that runs does the work.
func (r *Relay) RetryAll(ctx context.Context) (users int64, err error) {
	err = r.inTurn(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, makeAllDue, r.sub.Name)
		users = tag.RowsAffected()
		return err
	})
	r.Wake()
	return users, outward(err)
}

const markSkipped = `
UPDATE derived.dead_letters
SET state = 'skipped', next_try_at = NULL, skipped_by = $2, skip_reason = $3, skipped_at = clock_timestamp()
WHERE id = $1`

// Skip gives the first event of a user's queue up, for a reason that stays on record with the actor, and
// tries what waits behind it. It returns how many of the user's events are still parked.
func (r *Relay) Skip(ctx context.Context, id uuid.UUID, actor, why string) (left int, err error) {
	err = r.inTurn(ctx, func(tx pgx.Tx) error {
		l, err := r.find(ctx, tx, id)
		if err != nil {
			return err
		}
		if !l.First {
			return ErrNotFirst
		}
		events, err := eventstore.AtPositions(ctx, tx, []int64{l.Position})
		if err != nil {
			return err
		}
		if err := r.sub.Skip(ctx, tx, events[0]); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, markSkipped, id, actor, why); err != nil {
			return err
		}
		r.log.Warn().Int64("position", l.Position).Stringer("user", l.UserID).Str("actor", actor).Msg("an event was skipped")
		if err := r.unpark(ctx, tx, l.UserID); err != nil { // or else the rest of the queue is tried
			return err
		}
		if _, err := r.retryQueue(ctx, tx, l.UserID); err != nil {
			return err
		}
		left, err = r.left(ctx, tx, l.UserID)
		return err
	})
	return left, outward(err)
}

// place is where a dead letter stands.
type place struct {
	UserID   uuid.UUID
	Position int64
	First    bool // of its queue
}

const selectPlace = `
SELECT d.user_id, d.position, NOT EXISTS (
  SELECT FROM derived.dead_letters b
  WHERE b.subscription = d.subscription AND b.user_id = d.user_id AND b.state <> 'skipped' AND b.position < d.position
)
FROM derived.dead_letters d WHERE d.id = $1 AND d.subscription = $2 AND d.state <> 'skipped'`

func (r *Relay) find(ctx context.Context, tx pgx.Tx, id uuid.UUID) (place, error) {
	rows, _ := tx.Query(ctx, selectPlace, id, r.sub.Name)
	p, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[place])
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNoDeadLetter
	}
	return p, err
}

const countQueue = `
SELECT count(*) FROM derived.dead_letters WHERE subscription = $1 AND user_id = $2 AND state <> 'skipped'`

func (r *Relay) left(ctx context.Context, tx pgx.Tx, user uuid.UUID) (n int, err error) {
	err = tx.QueryRow(ctx, countQueue, r.sub.Name, user).Scan(&n)
	return n, err
}

// outward keeps the database's words inside.
func outward(err error) error {
	if err == nil || errors.Is(err, ErrNoDeadLetter) || errors.Is(err, ErrNotFirst) {
		return err
	}
	return fmt.Errorf("%w: %s", ErrUnavailable, Reason(err))
}
