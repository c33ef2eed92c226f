package eventstore

import (
	"bytes"
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// The range of versions, not a LIMIT, keeps a bounded read of a long stream from visiting the events
// beyond the bound: versions have no gaps, so it holds at most so many events.
const loadStreams = `
SELECT want.n, found.*
FROM unnest($1::text[], $2::uuid[], $3::integer[], $4::integer[], $5::bigint[], $6::timestamptz[], $7::integer[], $8::integer[])
  WITH ORDINALITY AS want (stream_type, stream_id, schema, version, position, recorded_at, after, most, n)
CROSS JOIN LATERAL (
  WITH base AS MATERIALIZED (
    SELECT s.version, s.position, s.recorded_at, s.state FROM derived.snapshots s
    WHERE s.stream_id = want.stream_id AND s.schema = want.schema AND want.after = 0
      AND s.version <= want.version AND s.position <= want.position AND s.recorded_at <= want.recorded_at
    ORDER BY s.version DESC LIMIT 1
  )
  SELECT version, position, recorded_at, '' AS type, 0 AS schema_version, state AS data FROM base
  UNION ALL
  SELECT e.version, e.position, e.recorded_at, e.type, e.schema_version, e.data FROM eventlog.events e
  WHERE e.stream_id = want.stream_id AND e.stream_type = want.stream_type
    AND e.version > COALESCE((SELECT version FROM base), want.after)
    AND e.version <= LEAST(COALESCE((SELECT version FROM base), want.after) + want.most::bigint, want.version)
    AND e.position + 0 <= want.position AND e.recorded_at <= want.recorded_at -- + 0: not by the index on position
) found
ORDER BY want.n, found.version`

// The keys are read after the events: if a writer comes between the two, its record is seen though its
// events are not, and the record decides.
const loadKeys = `
SELECT key, fingerprint, stream_id, version, position, outcome, recorded_at
FROM eventlog.idempotency_keys WHERE key = ANY ($1)`

// load answers loads in one round trip.
func (l *Log) load(ctx context.Context, wanted []Load) ([]Loaded, error) {
	var b pgx.Batch
	loaded := make([]Loaded, len(wanted))
	b.Queue(KeepPlan)
	b.Queue(loadStreams, streamArguments(wanted)...).Query(func(rows pgx.Rows) error { return collectStreams(rows, wanted, loaded) })
	if keys := keysOf(wanted); len(keys) > 0 {
		b.Queue(loadKeys, keys).Query(func(rows pgx.Rows) error { return collectKeys(rows, wanted, loaded) })
	}
	for _, w := range wanted {
		if w.Along != nil {
			w.Along.Queue(&b)
		}
	}
	return loaded, l.pool.SendBatch(ctx, &b).Close()
}

func streamArguments(wanted []Load) []any {
	n := len(wanted)
	types, streams := make([]string, n), make([][16]byte, n)
	schemas, versions, positions := make([]int32, n), make([]int32, n), make([]int64, n)
	times, afters, limits := make([]pgtype.Timestamptz, n), make([]int32, n), make([]int32, n)
	for i, w := range wanted {
		types[i], streams[i] = w.StreamType, w.StreamID
		schemas[i], afters[i], limits[i] = w.Schema, int32(w.After), int32(w.Limit)
		versions[i], positions[i], times[i] = w.Bound.orEndless()
	}
	return []any{types, streams, schemas, versions, positions, times, afters, limits}
}

func collectStreams(rows pgx.Rows, wanted []Load, loaded []Loaded) error {
	for rows.Next() {
		var n int
		var e Recorded
		if err := rows.Scan(&n, &e.Version, &e.Position, &e.RecordedAt, &e.Type, &e.SchemaVersion, &e.Data); err != nil {
			return err
		}
		w, l := wanted[n-1], &loaded[n-1]
		e.StreamID, e.RecordedAt = w.StreamID, e.RecordedAt.UTC()
		if e.Type == "" {
			l.Snapshot = &Snapshot{w.StreamID, w.Schema, e.Version, e.Position, e.RecordedAt, e.Data}
			continue
		}
		l.Events = append(l.Events, e)
	}
	for i := range loaded {
		loaded[i].Complete = len(loaded[i].Events) < wanted[i].Limit
	}
	return rows.Err()
}

func keysOf(wanted []Load) (keys [][]byte) {
	for _, w := range wanted {
		if w.Key != nil {
			keys = append(keys, w.Key)
		}
	}
	return keys
}

func collectKeys(rows pgx.Rows, wanted []Load, loaded []Loaded) error {
	var key []byte
	var r Record
	into := []any{&key, &r.Fingerprint, &r.StreamID, &r.Version, &r.Position, &r.Outcome, &r.RecordedAt}
	_, err := pgx.ForEachRow(rows, into, func() error {
		for i, w := range wanted {
			if bytes.Equal(w.Key, key) {
				found := r
				loaded[i].Key = &found
			}
		}
		return nil
	})
	return err
}
