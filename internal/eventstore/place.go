package eventstore

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/usersvc/usersvc/internal/safeguard"
)

// Place is a position of the log and the time of the event there; the zero Place is before the first one.
type Place struct {
	Position   int64
	RecordedAt time.Time
}

// Head is the end of the log and the database's clock, read in one statement.
type Head struct {
	Place
	Clock time.Time
}

const endOfLog = `COALESCE(h.position, 0), COALESCE(h.recorded_at, '0001-01-01Z'), clock_timestamp()
FROM (SELECT) AS one LEFT JOIN (
  SELECT position, recorded_at FROM eventlog.events ORDER BY position DESC LIMIT 1
) h ON true`

// Head reads the end of the log as committed so far.
func (l *Log) Head(ctx context.Context) (h Head, err error) {
	err = l.pool.QueryRow(ctx, "SELECT "+endOfLog).Scan(&h.Position, &h.RecordedAt, &h.Clock)
	if err != nil {
		return h, fmt.Errorf("read head: %w", unavailable(err))
	}
	l.closed.reach(h.RecordedAt)
	return h, nil
}

const (
	findPlace = `SELECT p.position, p.recorded_at, ` + endOfLog + `, eventlog.place_at($1) p`
	readPlace = `SELECT $1, COALESCE(e.recorded_at, '0001-01-01Z'), ` + endOfLog + ` LEFT JOIN eventlog.events e ON e.position = $1`
)

// PlaceAt returns the newest place that was recorded at or before an instant, and the head in the same snapshot.
func (l *Log) PlaceAt(ctx context.Context, at time.Time) (Place, Head, error) {
	return l.place(ctx, findPlace, at)
}

// PlaceOf returns the place of a position, and the head in the same snapshot. The time of a position that is not there
// is the zero time.
func (l *Log) PlaceOf(ctx context.Context, position int64) (Place, Head, error) {
	return l.place(ctx, readPlace, position)
}

func (l *Log) place(ctx context.Context, query string, of any) (p Place, h Head, err error) {
	err = l.pool.QueryRow(ctx, query, of).Scan(&p.Position, &p.RecordedAt, &h.Position, &h.RecordedAt, &h.Clock)
	if err != nil {
		return p, h, fmt.Errorf("find place: %w", unavailable(err))
	}
	l.closed.reach(h.RecordedAt)
	return p, h, nil
}

// Closed reports whether this process knows that nothing more can be recorded at or before an instant: each batch has a
// later one than the batch before, so that is so of every time that has been seen in the log.
func (l *Log) Closed(at time.Time) bool { return at.UnixMicro() <= l.closed.microseconds.Load() }

// Settle waits until no append is in flight that could still be given an instant before the
// database's clock as it stood when Settle was called. What is read afterwards, in a statement of
// its own, is the final answer for that instant.
func (l *Log) Settle(ctx context.Context) error {
	if safeguard.Removed(safeguard.Finality) {
		return nil
	}
	if _, err := l.pool.Exec(ctx, "SELECT eventlog.await_appends()"); err != nil {
		return fmt.Errorf("wait for appends: %w", unavailable(err))
	}
	return nil
}

// tide is an instant that only rises. The zero tide is in 1970, before any event.
type tide struct{ microseconds atomic.Int64 }

func (t *tide) reach(at time.Time) {
	for newer := at.UnixMicro(); ; {
		seen := t.microseconds.Load()
		if newer <= seen || t.microseconds.CompareAndSwap(seen, newer) {
			return
		}
	}
}
