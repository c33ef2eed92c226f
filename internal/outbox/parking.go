package outbox

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/eventstore"
)

// The states of a dead letter. The first of a user's queue is retrying or dead, the others wait.
const (
	Retrying = "retrying" // it is tried again at a set time
	Dead     = "dead"     // it failed too often, and waits for a person
	Waiting  = "waiting"  // behind one of the same user
	Skipped  = "skipped"  // given up by somebody; kept on record
)

const selectParkedUsers = `
SELECT DISTINCT user_id FROM derived.dead_letters
WHERE subscription = $1 AND state <> 'skipped' AND user_id = ANY ($2)`

// divert splits off the events of users who have a queue: they go to its end.
func (r *Relay) divert(ctx context.Context, tx pgx.Tx, events []eventstore.Recorded) (free []eventstore.Recorded, parked []Letter, err error) {
	var users [][16]byte
	for _, e := range events {
		users = append(users, r.sub.UserOf(e))
	}
	rows, _ := tx.Query(ctx, selectParkedUsers, r.sub.Name, users)
	queued := make(map[uuid.UUID]bool)
	var user uuid.UUID
	if _, err := pgx.ForEachRow(rows, []any{&user}, func() error { queued[user] = true; return nil }); err != nil {
		return nil, nil, fmt.Errorf("look for parked users: %w", err)
	}
	for _, e := range events {
		if user := r.sub.UserOf(e); queued[user] {
			parked = append(parked, Letter{Event: e, User: user})
		} else {
			free = append(free, e)
		}
	}
	return free, parked, nil
}

const insertLetters = `
INSERT INTO derived.dead_letters (id, subscription, user_id, position, state, attempts, error, first_failed_at, last_failed_at, next_try_at)
SELECT l.id, $1, l.user_id, l.position, l.state, CASE l.state WHEN 'waiting' THEN 0 ELSE 1 END, NULLIF(l.Error, ''),
  CASE l.state WHEN 'waiting' THEN NULL ELSE clock_timestamp() END,
  CASE l.state WHEN 'waiting' THEN NULL ELSE clock_timestamp() END,
  CASE l.state WHEN 'retrying' THEN clock_timestamp() + make_interval(secs => l.pause) END
FROM unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::float8[]) AS l (id, user_id, position, state, error, pause)`

// Park stores dead letters, in the transaction that moves the checkpoint past them.
func (r *Relay) Park(ctx context.Context, tx pgx.Tx, parked []Letter) error {
	if len(parked) == 0 {
		return nil
	}
	var ids, users [][16]byte
	var positions []int64
	var states, errs []string
	var pauses []float64
	for _, l := range parked {
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		state, reasonOf := Waiting, ""
		if l.Err != nil {
			state, reasonOf = r.retry.stateAfter(1), Reason(l.Err)
		}
		ids, users, positions = append(ids, id), append(users, l.User), append(positions, l.Event.Position)
		states, errs, pauses = append(states, state), append(errs, reasonOf), append(pauses, r.retry.pause(1).Seconds())
	}
	if _, err := tx.Exec(ctx, insertLetters, r.sub.Name, ids, users, positions, states, errs, pauses); err != nil {
		return fmt.Errorf("park events: %w", err)
	}
	return r.recount(ctx, tx)
}

const countParked = `
WITH parked AS (
  SELECT count(*) AS events, count(DISTINCT user_id) AS users FROM derived.dead_letters
  WHERE subscription = $1 AND state <> 'skipped'
)
UPDATE derived.subscriptions SET parked = parked.users FROM parked WHERE name = $1
RETURNING parked.events`

// recount notes how many users are parked, and refuses when it is too much: a handler that fails for
// everybody is better stopped than followed to the end of the log.
func (r *Relay) recount(ctx context.Context, tx pgx.Tx) error {
	var events int
	if err := tx.QueryRow(ctx, countParked, r.sub.Name).Scan(&events); err != nil {
		return fmt.Errorf("count parked events: %w", err)
	}
	switch {
	case events > r.retry.Limit:
		return &handlerError{fmt.Errorf("%d events would be parked, and %d is the limit", events, r.retry.Limit)}
	case events > r.retry.Limit/2:
		r.log.Error().Int("parked", events).Int("limit", r.retry.Limit).Msg("many events are parked: at the limit the subscription stops")
	}
	return nil
}

// Retry says how often a failing event is tried, and how much may be parked.
type Retry struct {
	Tries int // of an event, before it is dead
	Limit int // of parked events, for a subscription: beyond it nothing more is parked and it stops
}

// DefaultRetry tries for about half an hour: long enough for most of what mends itself.
var DefaultRetry = Retry{Tries: 12, Limit: 100_000}

const (
	firstPause = time.Second
	maxPause   = 5 * time.Minute
)

func (r Retry) stateAfter(attempts int) string {
	if attempts >= r.Tries {
		return Dead
	}
	return Retrying
}

// pause before the next try doubles each time, with jitter, so that what failed together is not tried
// together.
func (r Retry) pause(attempts int) time.Duration {
	pause := min(firstPause<<min(attempts-1, 20), maxPause)
	return pause/2 + rand.N(pause) //nolint:gosec // nobody gains by guessing it
}
