package eventstore

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/usersvc/usersvc/internal/safeguard"
)

var endOfTime = pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}

const readStream = `
SELECT position, event_id, stream_type, stream_id, version, type, schema_version, data, metadata, recorded_at
FROM eventlog.events WHERE stream_id = $1 AND version > $2 AND version <= $3 ORDER BY version`

// Stream reads the events of a stream behind one version and up to another, oldest first.
func (l *Log) Stream(ctx context.Context, id uuid.UUID, after, through int) ([]Recorded, error) {
	rows, _ := l.pool.Query(ctx, readStream, id, after, through)
	events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Recorded, err error) {
		// The bytes, as uuid.UUID itself would be scanned by way of its text.
		err = row.Scan(&e.Position, (*[16]byte)(&e.ID), &e.StreamType, (*[16]byte)(&e.StreamID), &e.Version,
			&e.Type, &e.SchemaVersion, &e.Data, &e.Metadata, &e.RecordedAt)
		e.RecordedAt = e.RecordedAt.UTC()
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("read stream: %w", unavailable(err))
	}
	return events, nil
}

// Without metadata: no subscription asks for it, and decoding it is a tenth of a relay's work.
const readAfter = `
SELECT position, event_id, stream_type, stream_id, version, type, schema_version, data, recorded_at
FROM eventlog.events WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3`

// After reads the log behind one position and up to another, without metadata and in the caller's
// transaction.
func After(ctx context.Context, tx pgx.Tx, position, through int64, limit int) ([]Recorded, error) {
	rows, _ := tx.Query(ctx, readAfter, position, through, limit)
	return collectBare(rows)
}

const readPositions = `
SELECT position, event_id, stream_type, stream_id, version, type, schema_version, data, recorded_at
FROM eventlog.events WHERE position = ANY ($1) ORDER BY position`

// AtPositions reads single events, without metadata and in the caller's transaction, in order of position.
func AtPositions(ctx context.Context, tx pgx.Tx, positions []int64) ([]Recorded, error) {
	rows, _ := tx.Query(ctx, readPositions, positions)
	return collectBare(rows)
}

func collectBare(rows pgx.Rows) (events []Recorded, err error) {
	err = Each(rows, func(e Recorded) error { events = append(events, e); return nil })
	return events, err
}

// Each calls f with every row of a query that selects what After does.
func Each(rows pgx.Rows, f func(Recorded) error) error {
	defer rows.Close()
	for rows.Next() {
		var e Recorded
		// The bytes, as uuid.UUID itself would be scanned by way of its text.
		err := rows.Scan(&e.Position, (*[16]byte)(&e.ID), &e.StreamType, (*[16]byte)(&e.StreamID), &e.Version,
			&e.Type, &e.SchemaVersion, &e.Data, &e.RecordedAt)
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		e.RecordedAt = e.RecordedAt.UTC()
		if err := f(e); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	return nil
}

const readVersion = `
SELECT version FROM eventlog.events WHERE stream_id = $1 ORDER BY version DESC LIMIT 1`

// Version returns a stream's newest version, 0 if the stream does not exist.
func (l *Log) Version(ctx context.Context, id uuid.UUID) (int, error) {
	rows, _ := l.pool.Query(ctx, readVersion, id)
	versions, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return 0, fmt.Errorf("read version: %w", unavailable(err))
	}
	if len(versions) == 0 {
		return 0, nil
	}
	return versions[0], nil
}

// Head is the end of the log and the database's clock, read in one statement.
type Head struct {
	Position   int64     // 0: the log is empty
	RecordedAt time.Time // of the newest event; the zero time when there is none
	Clock      time.Time
}

const readHead = `
SELECT COALESCE(e.position, 0), COALESCE(e.recorded_at, '0001-01-01Z'), clock_timestamp()
FROM (SELECT) AS one LEFT JOIN (
  SELECT position, recorded_at FROM eventlog.events ORDER BY position DESC LIMIT 1
) e ON true`

// Head reads the end of the log as committed so far.
func (l *Log) Head(ctx context.Context) (Head, error) {
	var h Head
	err := l.pool.QueryRow(ctx, readHead).Scan(&h.Position, &h.RecordedAt, &h.Clock)
	if err != nil {
		return h, fmt.Errorf("read head: %w", unavailable(err))
	}
	return h, nil
}

// Place is a position of the log and the time of the event there; the zero Place is before the first one.
type Place struct {
	Position   int64
	RecordedAt time.Time
}

const endOfLog = `COALESCE(h.position, 0), COALESCE(h.recorded_at, '0001-01-01Z'), clock_timestamp()`

// As positions have no gaps and times never go back along them, halving finds the place with as many
// probes of the primary key as the number of events has digits in binary.
const findPosition = `
WITH RECURSIVE head AS (
  SELECT position, recorded_at FROM eventlog.events ORDER BY position DESC LIMIT 1
), search (before, after) AS (
  SELECT 0::bigint, COALESCE((SELECT position FROM head), 0) + 1
  UNION ALL
  SELECT CASE WHEN e.recorded_at <= $1 THEN e.position ELSE s.before END,
         CASE WHEN e.recorded_at <= $1 THEN s.after ELSE e.position END
  FROM search s JOIN eventlog.events e ON e.position = (s.before + s.after) / 2
  WHERE s.after - s.before > 1
)
SELECT s.before, COALESCE(e.recorded_at, '0001-01-01Z'), ` + endOfLog + `
FROM search s LEFT JOIN eventlog.events e ON e.position = s.before LEFT JOIN head h ON true WHERE s.after - s.before = 1`

// PlaceAt returns the newest place that was recorded at or before an instant, and the head in the same snapshot.
func (l *Log) PlaceAt(ctx context.Context, at time.Time) (Place, Head, error) {
	return l.place(ctx, findPosition, at)
}

const readPlace = `
SELECT $1, COALESCE(e.recorded_at, '0001-01-01Z'), ` + endOfLog + `
FROM (SELECT) AS one LEFT JOIN eventlog.events e ON e.position = $1 LEFT JOIN (
  SELECT position, recorded_at FROM eventlog.events ORDER BY position DESC LIMIT 1
) h ON true`

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
	return p, h, nil
}

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

const findClaim = `SELECT stream_id FROM eventlog.claims WHERE scope = $1 AND key = $2`

// Holder returns the stream that holds a claim; ok is false when none does.
func (l *Log) Holder(ctx context.Context, c Claim) (id uuid.UUID, ok bool, err error) {
	rows, _ := l.pool.Query(ctx, findClaim, c.Scope, c.Key)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return uuid.Nil, false, fmt.Errorf("find claim: %w", unavailable(err))
	}
	if len(ids) == 0 {
		return uuid.Nil, false, nil
	}
	return ids[0], true, nil
}

// CursorKey reads the key that page cursors are sealed with, the same in every replica: 32 bytes.
func (l *Log) CursorKey(ctx context.Context) ([]byte, error) {
	var key []byte
	if err := l.pool.QueryRow(ctx, "SELECT eventlog.cursor_key()").Scan(&key); err != nil {
		return nil, fmt.Errorf("read cursor key: %w", unavailable(err))
	}
	return key, nil
}

// unavailable marks a failed read: whatever went wrong, nothing was changed, and what the caller
// passed is well-formed, so that another try may go better. A refusal by SQLSTATE stays what it is.
func unavailable(err error) error {
	if fateOf(err, true) == refused {
		return newRefusal(err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
