package eventstore

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const selectTypes = `SELECT stream_id, stream_type FROM eventlog.events WHERE stream_id = ANY ($1) AND version = 1`

// StreamTypes returns the types of those of the streams that exist. Whoever chooses the id of a stream shares the ids
// with all who do, so a version conflict does not say with whom.
func (l *Log) StreamTypes(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	types := make(map[uuid.UUID]string, len(ids))
	rows, _ := l.pool.Query(ctx, selectTypes, ids)
	var id uuid.UUID
	var typ string
	_, err := pgx.ForEachRow(rows, []any{&id, &typ}, func() error { types[id] = typ; return nil })
	if err != nil {
		return nil, fmt.Errorf("read stream types: %w", unavailable(err))
	}
	return types, nil
}
