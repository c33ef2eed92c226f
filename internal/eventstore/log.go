package eventstore

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/coalesce"
)

// Log reads with the connections of a pool and appends through one connection of its own.
type Log struct {
	pool   *pgxpool.Pool
	w      *writer
	loads  *coalesce.Reads[Load, Loaded]
	closed tide // by the newest event that was seen
}

// Open does not wait for the database: commands do.
func Open(pool *pgxpool.Pool) *Log {
	l := &Log{pool: pool, w: newWriter(pool.Config().ConnConfig)}
	l.loads = coalesce.New(l.load)
	return l
}

// Notify has f called after each batch of this process that was committed. f must not block; it is
// to be set before the first append.
func (l *Log) Notify(f func()) { l.w.notify = f }

// Close takes no more commands, lets those under way finish until ctx ends, and answers the rest.
func (l *Log) Close(ctx context.Context) { l.w.close(ctx) }
