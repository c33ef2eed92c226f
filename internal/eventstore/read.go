package eventstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
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
SELECT version FROM eventlog.events WHERE stream_id = $1 AND stream_type = $2 ORDER BY version DESC LIMIT 1`

// Version returns the newest version of a stream of a type, 0 if there is none.
func (l *Log) Version(ctx context.Context, streamType string, id uuid.UUID) (int, error) {
	rows, _ := l.pool.Query(ctx, readVersion, id, streamType)
	versions, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return 0, fmt.Errorf("read version: %w", unavailable(err))
	}
	if len(versions) == 0 {
		return 0, nil
	}
	return versions[0], nil
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
// passed is well-formed, so that another try may go better. But what the database itself refuses, it will refuse again.
func unavailable(err error) error {
	var said *pgconn.PgError
	if errors.As(err, &said) && fateOf(err, false) == refused {
		return newRefusal(err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
