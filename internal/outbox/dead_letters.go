package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// DeadLetter is an event that failed, or one of the same user that waits behind it.
type DeadLetter struct {
	ID            uuid.UUID  `json:"id"`
	Subscription  string     `json:"projection"`
	UserID        uuid.UUID  `json:"userId"` // whom it is about
	Position      int64      `json:"position"`
	EventID       uuid.UUID  `json:"eventId"`
	Type          string     `json:"type"`
	SchemaVersion int        `json:"schemaVersion"`
	State         string     `json:"state"` // Retrying, Dead, Waiting or Skipped
	Attempts      int        `json:"attempts"`
	Error         *string    `json:"error"` // without personal data
	FirstFailedAt *time.Time `json:"firstFailedAt"`
	LastFailedAt  *time.Time `json:"lastFailedAt"`
	NextTryAt     *time.Time `json:"nextTryAt"` // of one that is retrying
	SkippedBy     *string    `json:"skippedBy"`
	SkipReason    *string    `json:"skipReason"`
	SkippedAt     *time.Time `json:"skippedAt"`
}

// LetterPlace is a place in the list of dead letters; the zero value is its beginning.
type LetterPlace struct {
	Position     int64
	Subscription string
}

// Place is where a dead letter stands in the list.
func (d DeadLetter) Place() LetterPlace { return LetterPlace{d.Position, d.Subscription} }

const letterColumns = `d.id, d.subscription, d.user_id, d.position, e.event_id, e.type, e.schema_version, d.state, d.attempts, d.error,
  d.first_failed_at, d.last_failed_at, d.next_try_at, d.skipped_by, d.skip_reason, d.skipped_at`

const selectLetters = `
SELECT ` + letterColumns + `
FROM derived.dead_letters d JOIN eventlog.events e ON e.position = d.position
WHERE $1 IN ('', d.subscription) AND ($2 = d.state OR $2 = '' AND d.state <> 'skipped') AND (d.position, d.subscription) > ($3, $4)
ORDER BY d.position, d.subscription LIMIT $5`

// DeadLetters lists what is parked behind a place, in the order of the log: of one subscription, or of all
// with "". With a state, only those in it; those skipped are listed only when they are asked for.
func (r *Relay) DeadLetters(ctx context.Context, subscription, state string, after LetterPlace, limit int) ([]DeadLetter, error) {
	rows, _ := r.pool.Query(ctx, selectLetters, subscription, state, after.Position, after.Subscription, limit)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[DeadLetter])
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w: %s", ErrUnavailable, Reason(err))
	}
	return all, nil
}

const selectLetter = `
SELECT ` + letterColumns + `, e.data
FROM derived.dead_letters d JOIN eventlog.events e ON e.position = d.position WHERE d.id = $1`

// DeadLetter finds one, with the JSON of its event as it is stored: ErrNoDeadLetter.
func (r *Relay) DeadLetter(ctx context.Context, id uuid.UUID) (DeadLetter, []byte, error) {
	rows, _ := r.pool.Query(ctx, selectLetter, id)
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[struct {
		DeadLetter
		Data []byte
	}])
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNoDeadLetter
	}
	return found.DeadLetter, found.Data, outward(err)
}
