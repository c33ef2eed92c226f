package eventstore

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Log reads with the connections of a pool and appends through one connection of its own.
type Log struct {
	pool *pgxpool.Pool
	w    *writer
}

// Open does not wait for the database: commands do.
func Open(pool *pgxpool.Pool) *Log {
	return &Log{pool: pool, w: newWriter(pool.Config().ConnConfig)}
}

// Notify has f called after each batch of this process that was committed. f must not block; it is
// to be set before the first append.
func (l *Log) Notify(f func()) { l.w.notify = f }

// Close takes no more commands, lets those under way finish until ctx ends, and answers the rest.
func (l *Log) Close(ctx context.Context) { l.w.close(ctx) }
