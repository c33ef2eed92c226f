package eventstore

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
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
	StreamType string // a stream of another type is none
	StreamID   uuid.UUID
	Schema     int32
	Bound      Bound
	After      int    // continue behind this version instead of looking for a snapshot
	Limit      int    // of events
	Key        []byte // also look this key up; nil: none
	Along      Rider  // also read this; nil: nothing
}

// Rider is what else is read in the round trip of a load, from what is derived of the log.
type Rider interface{ Queue(*pgx.Batch) }

// Load reads a stream. Loads that wait at the same time share a round trip (package coalesce).
func (l *Log) Load(ctx context.Context, w Load) (Loaded, error) {
	loaded, err := l.loads.Ask(ctx, w)
	if err != nil {
		return Loaded{}, fmt.Errorf("load stream: %w", unavailable(err))
	}
	return loaded, nil
}

func (b Bound) orEndless() (version int32, position int64, at pgtype.Timestamptz) {
	version, position, at = math.MaxInt32, math.MaxInt64, endOfTime
	if b.Version > 0 {
		version = int32(b.Version)
	}
	if b.Position > 0 {
		position = b.Position
	}
	if !b.Time.IsZero() {
		at = pgtype.Timestamptz{Time: b.Time, Valid: true}
	}
	return version, position, at
}
