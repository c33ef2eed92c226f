package eventstore

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Snapshot is a cached fold of a stream, deletable at any time. Schema is a hash of the shape of
// State; snapshots of another schema are never offered.
type Snapshot struct {
	StreamID   uuid.UUID
	Schema     int32
	Version    int
	Position   int64     // of the last event folded in
	RecordedAt time.Time // its time
	State      []byte    // JSON
}

// Bound limits a load to the events at or before a point. Zero members bound nothing.
type Bound struct {
	Time     time.Time
	Version  int
	Position int64
}

// Loaded is the newest snapshot within the bound, nil if there is none, and the events after it,
// oldest first and without metadata.
type Loaded struct {
	Snapshot *Snapshot
	Events   []Recorded
	Complete bool    // false: there is more; load again with After
	Key      *Record // of the key asked for, nil if it is not known
}

// Load describes what is wanted of a stream.
type Load struct {
	StreamID uuid.UUID
	Schema   int32
	Bound    Bound
	After    int    // continue behind this version instead of looking for a snapshot
	Limit    int    // of events
	Key      []byte // also look this key up; nil: none
}

// The range of versions, not a LIMIT, keeps a bounded read of a long stream from visiting the events
// beyond the bound: versions have no gaps, so it holds at most $7 events.
const loadStream = `
WITH base AS MATERIALIZED (
  SELECT version, position, recorded_at, state FROM derived.snapshots
  WHERE stream_id = $1 AND schema = $2 AND $6 = 0
    AND version <= $3 AND position <= $4 AND recorded_at <= $5
  ORDER BY version DESC LIMIT 1
)
SELECT version, position, recorded_at, '' AS type, 0 AS schema_version, state AS data FROM base
UNION ALL
SELECT version, position, recorded_at, type, schema_version, data FROM eventlog.events
WHERE stream_id = $1
  AND version > COALESCE((SELECT version FROM base), $6)
  AND version <= LEAST(COALESCE((SELECT version FROM base), $6) + $7::bigint, $3)
  AND position + 0 <= $4 AND recorded_at <= $5 -- + 0: not by the index on position
ORDER BY version`

// The key is read after the events: if a writer comes between the two, its record is seen though its
// events are not, and the record decides.
const loadKey = `
SELECT fingerprint, stream_id, version, position, outcome, recorded_at
FROM eventlog.idempotency_keys WHERE key = $1`

// Load reads a stream in one round trip.
func (l *Log) Load(ctx context.Context, w Load) (Loaded, error) {
	version, position, at := w.Bound.orEndless()
	args := []any{w.StreamID, w.Schema, version, position, at, w.After, w.Limit}
	var loaded Loaded
	var err error
	if w.Key == nil {
		rows, _ := l.pool.Query(ctx, loadStream, args...)
		err = loaded.collect(rows, w)
	} else {
		err = l.loadWithKey(ctx, w, args, &loaded)
	}
	if err != nil {
		return Loaded{}, fmt.Errorf("load stream: %w", unavailable(err))
	}
	return loaded, nil
}

func (l *Log) loadWithKey(ctx context.Context, w Load, args []any, loaded *Loaded) error {
	var b pgx.Batch
	b.Queue(loadStream, args...)
	b.Queue(loadKey, w.Key)
	results := l.pool.SendBatch(ctx, &b)
	defer results.Close()
	rows, _ := results.Query()
	if err := loaded.collect(rows, w); err != nil {
		return err
	}
	rows, _ = results.Query()
	records, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[Record])
	if err == nil && len(records) == 1 {
		loaded.Key = records[0]
	}
	return err
}

func (l *Loaded) collect(rows pgx.Rows, w Load) error {
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Recorded, error) {
		e := Recorded{StreamID: w.StreamID}
		err := row.Scan(&e.Version, &e.Position, &e.RecordedAt, &e.Type, &e.SchemaVersion, &e.Data)
		e.RecordedAt = e.RecordedAt.UTC()
		return e, err
	})
	if err != nil {
		return err
	}
	if len(all) > 0 && all[0].Type == "" {
		l.Snapshot = &Snapshot{w.StreamID, w.Schema, all[0].Version, all[0].Position, all[0].RecordedAt, all[0].Data}
		all = all[1:]
	}
	l.Events, l.Complete = all, len(all) < w.Limit
	return nil
}

func (b Bound) orEndless() (version int32, position int64, at any) {
	version, position, at = math.MaxInt32, math.MaxInt64, endOfTime
	if b.Version > 0 {
		version = int32(b.Version)
	}
	if b.Position > 0 {
		position = b.Position
	}
	if !b.Time.IsZero() {
		at = b.Time
	}
	return version, position, at
}
