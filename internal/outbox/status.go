package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrNoSubscription says that no subscription has the name.
var ErrNoSubscription = errors.New("no such subscription")

// Status is where a subscription stands. The lag is taken from the log and the checkpoint, not from
// the relay: a relay that is dead lags all the more.
type Status struct {
	Name       string
	State      string  // "live", or "failed" while its handler fails
	Position   int64   // its checkpoint
	Head       int64   // of the log
	LagEvents  int64   // what lies between
	LagSeconds float64 // age of the oldest event not handled yet, by the database's clock
	Rate       float64 // events a second of late, in this process
	Parked     int64   // users waiting behind a failed event
	Letters    int64   // events that failed or wait, of all of them
	LastError  string  // without personal data; "" when all goes well
	MovedAt    time.Time
	Failures   int // in a row
}

const selectStatus = `
SELECT s.name, CASE WHEN s.failures > 0 THEN 'failed' ELSE 'live' END, s.checkpoint, head.position,
  head.position - s.checkpoint,
  COALESCE(extract(epoch FROM clock_timestamp() - oldest.recorded_at), 0)::float8,
  s.parked, (SELECT count(*) FROM derived.dead_letters d WHERE d.subscription = s.name AND d.state <> 'skipped'),
  COALESCE(s.last_error, ''), s.moved_at, s.failures
FROM derived.subscriptions s
CROSS JOIN (SELECT COALESCE(max(position), 0) AS position FROM eventlog.events) head
LEFT JOIN eventlog.events oldest ON oldest.position = s.checkpoint + 1
WHERE $1 IN ('', s.name) ORDER BY s.name`

// Statuses reads where all subscriptions stand, in order of their names.
func (r *Relay) Statuses(ctx context.Context) ([]Status, error) { return r.statuses(ctx, "") }

// Status reads where one subscription stands, or ErrNoSubscription.
func (r *Relay) Status(ctx context.Context, name string) (Status, error) {
	all, err := r.statuses(ctx, name)
	if err != nil {
		return Status{}, err
	}
	if name == "" || len(all) == 0 {
		return Status{}, ErrNoSubscription
	}
	return all[0], nil
}

func (r *Relay) statuses(ctx context.Context, name string) ([]Status, error) {
	rows, _ := r.pool.Query(ctx, selectStatus, name)
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Status, error) {
		var s Status
		err := row.Scan(&s.Name, &s.State, &s.Position, &s.Head, &s.LagEvents, &s.LagSeconds, &s.Parked, &s.Letters, &s.LastError, &s.MovedAt, &s.Failures)
		if s.Name == r.sub.Name {
			s.Rate = r.rate.perSecond()
		}
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("read subscriptions: %w: %s", ErrUnavailable, Reason(err))
	}
	return all, nil
}

// ErrUnavailable says that the database did not answer.
var ErrUnavailable = errors.New("subscriptions cannot be read at the moment")
