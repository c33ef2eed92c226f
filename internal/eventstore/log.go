package eventstore

import (
	"context"
	"errors"
	"time"

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

// Connections says how many the log's reads share with those of others, at most.
func (l *Log) Connections() int { return int(l.pool.Config().MaxConns) }

// Notify has f called after each batch of this process that was committed. f must not block; it is
// to be set before the first append.
func (l *Log) Notify(f func()) { l.w.notify = f }

// Pace has f asked how long a batch that gathered should wait, while it grows, for those who read the log (back-pressure). Only
// a lonely command, for which the connection is idle, goes without. f is to be set before the first append.
func (l *Log) Pace(f func() time.Duration) { l.w.pace = f }

// Batch is what one transaction of the append was about. One that failed stored nothing, and took its time.
type Batch struct {
	Commands  int
	Events    int           // that were stored
	Conflicts int           // commands that had seen another version
	Rested    time.Duration // before it was sent, as Pace said
	Took      time.Duration
}

// Observe has f told of each batch of this process. f must not block; it is to be set before the first append.
func (l *Log) Observe(f func(Batch)) { l.w.observe = f }

func newBatch(commands []*pending, outcomes []outcome, rested, took time.Duration) Batch {
	b := Batch{Commands: len(commands), Rested: rested, Took: took}
	for i, o := range outcomes {
		var conflict *VersionConflict
		switch {
		case o.err == nil && o.Replayed == nil:
			b.Events += len(commands[i].Events)
		case errors.As(o.err, &conflict):
			b.Conflicts++
		}
	}
	return b
}

// RolledBack returns why the database rolled back the newest batch of this process, by its SQLSTATE, or nil if it did not: a full
// disk, as long as it is full.
func (l *Log) RolledBack() error {
	if r := l.w.rollback.Load(); r != nil {
		return r
	}
	return nil
}

// Close takes no more commands, lets those under way finish until ctx ends, and answers the rest.
func (l *Log) Close(ctx context.Context) { l.w.close(ctx) }
