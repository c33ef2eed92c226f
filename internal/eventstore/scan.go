package eventstore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Filter selects events; its members are combined (AND), and the zero value selects all.
type Filter struct {
	Types         []string // of one of these types
	StreamID      uuid.UUID
	CorrelationID uuid.UUID
	Actor         string
	// Where a type has a row here, an event of that type belongs to the stream that the data's member
	// of this name says, as far as StreamID is concerned, and not to its own.
	Members map[string]string
}

// Scan is what was found behind a position.
type Scan struct {
	Events []Recorded // in order of position, with metadata
	Next   int64      // everything up to here was looked at: where the next scan goes on
	Head   int64      // of the log, in the snapshot that was read
}

// A filter that few events pass must not make one request read the whole log.
const scanWindow = 10_000

// Head and events come from one snapshot: only so is it known that there is nothing between them. A row
// without an event says that nothing was found.
const scanSQL = `
SELECT head.position, e.position, event_id, stream_type, stream_id, version, type, schema_version, data, metadata, recorded_at
FROM (SELECT COALESCE(max(position), 0) AS position FROM eventlog.events) head
LEFT JOIN LATERAL (
  SELECT * FROM eventlog.events
  WHERE position > $1 AND position <= $2
    AND ($3::text[] IS NULL OR type = ANY ($3))
    AND ($4::uuid IS NULL OR COALESCE(lower(data ->> ($5::jsonb ->> type)), stream_id::text) = $4::text)
    AND ($6::uuid IS NULL OR lower(metadata ->> 'correlationId') = $6::text)
    AND ($7 = '' OR metadata ->> 'actor' = $7)
  ORDER BY position LIMIT $8
) e ON true
ORDER BY e.position`

// Scan reads at most limit events that pass the filter, from the 10,000 behind a position.
func (l *Log) Scan(ctx context.Context, after int64, f Filter, limit int) (Scan, error) {
	members, err := json.Marshal(f.Members)
	if err != nil {
		return Scan{}, fmt.Errorf("scan log: %w", err)
	}
	through := after + min(scanWindow, maxPosition-after)
	rows, _ := l.pool.Query(ctx, scanSQL, after, through, f.Types, optional(f.StreamID), members, optional(f.CorrelationID), f.Actor, limit)
	s := Scan{Next: after}
	for rows.Next() {
		e, found, err := scanRow(rows, &s.Head)
		if err != nil {
			rows.Close()
			return Scan{}, fmt.Errorf("scan log: %w", err)
		}
		if found {
			s.Events = append(s.Events, e)
		}
	}
	if err := rows.Err(); err != nil {
		return Scan{}, fmt.Errorf("scan log: %w", unavailable(err))
	}
	if len(s.Events) == limit {
		s.Next = s.Events[limit-1].Position
	} else {
		s.Next = max(after, min(through, s.Head))
	}
	return s, nil
}

const maxPosition = 1<<63 - 1

func scanRow(row pgx.Rows, head *int64) (e Recorded, found bool, err error) {
	if row.RawValues()[1] == nil {
		return e, false, row.Scan(head, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil)
	}
	err = row.Scan(head, &e.Position, (*[16]byte)(&e.ID), &e.StreamType, (*[16]byte)(&e.StreamID), &e.Version,
		&e.Type, &e.SchemaVersion, &e.Data, &e.Metadata, &e.RecordedAt)
	e.RecordedAt = e.RecordedAt.UTC()
	return e, true, err
}

// optional is an id as a parameter, NULL for the zero id.
func optional(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
