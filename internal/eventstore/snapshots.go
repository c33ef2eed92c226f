package eventstore

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
)

const saveSnapshots = `
INSERT INTO derived.snapshots (stream_id, schema, version, position, recorded_at, state)
SELECT * FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::bigint[], $5::timestamptz[], $6::jsonb[])
ON CONFLICT (stream_id, schema, version) DO UPDATE SET state = excluded.state` // replaces one that cannot be decoded

// SaveSnapshots stores snapshots. They speed reading up and decide nothing.
func (l *Log) SaveSnapshots(ctx context.Context, snapshots []Snapshot) error {
	var (
		ids       []uuid.UUID
		schemas   []int32
		versions  []int
		positions []int64
		times     []time.Time
		states    [][]byte
	)
	for _, s := range snapshots {
		ids, schemas, versions = append(ids, s.StreamID), append(schemas, s.Schema), append(versions, s.Version)
		positions, times, states = append(positions, s.Position), append(times, s.RecordedAt), append(states, s.State)
	}
	_, err := l.pool.Exec(ctx, saveSnapshots, ids, schemas, versions, positions, times, states)
	if err != nil {
		return fmt.Errorf("save snapshots: %w", unavailable(err))
	}
	return nil
}

// ForgetKeys deletes a bounded number of idempotency records older than callers were promised, and
// returns how many.
func (l *Log) ForgetKeys(ctx context.Context) (int64, error) {
	var n int64
	if err := l.pool.QueryRow(ctx, "SELECT eventlog.forget_idempotency_keys()").Scan(&n); err != nil {
		return 0, fmt.Errorf("forget idempotency keys: %w", unavailable(err))
	}
	return n, nil
}
