package rebuild

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// The states of a rebuild.
const (
	Running   = "running"
	Done      = "done"
	Failed    = "failed"
	Cancelled = "cancelled"
)

// Status is the last rebuild of something, the one under way included.
type Status struct {
	Name        string
	State       string // Running, Done, Failed or Cancelled
	Phase       string
	Processed   int64 // events
	Total       int64
	Differences *int // users whose live rows were not what the log says; nil: not compared
	Error       *string
	StartedAt   time.Time
	SeenAt      time.Time // when it last reported, or ended
}

// Rate is events a second.
func (s Status) Rate() float64 {
	if elapsed := s.SeenAt.Sub(s.StartedAt).Seconds(); elapsed > 0 {
		return float64(s.Processed) / elapsed
	}
	return 0
}

// ETA is how long the remaining events will take, 0 if that is not known.
func (s Status) ETA() time.Duration {
	if s.State != Running || s.Processed == 0 {
		return 0
	}
	return time.Duration(float64(s.Total-s.Processed) / s.Rate() * float64(time.Second))
}

// Reports that are older come from a process that is gone.
const reportsEnd = "15 seconds"

// One whose process is gone has failed, though nobody was left to say so.
const selectRun = `
SELECT name, CASE WHEN gone THEN 'failed' ELSE state END, phase, processed, total, differences,
  CASE WHEN gone THEN 'its process is gone' ELSE error END, started_at, seen_at
FROM (SELECT *, state = 'running' AND seen_at < clock_timestamp() - interval '` + reportsEnd + `' AS gone FROM derived.rebuilds) r
WHERE $1 IN ('', name) ORDER BY name`

// Status reads the last rebuild of something; ok is false if there was none.
func (r *Rebuilds) Status(ctx context.Context, name string) (s Status, ok bool, err error) {
	all, err := r.statuses(ctx, name)
	if err != nil || len(all) == 0 || name == "" {
		return Status{}, false, err
	}
	return all[0], true, nil
}

// Statuses reads the last rebuild of each thing that ever was.
func (r *Rebuilds) Statuses(ctx context.Context) ([]Status, error) { return r.statuses(ctx, "") }

func (r *Rebuilds) statuses(ctx context.Context, name string) ([]Status, error) {
	rows, _ := r.pool.Query(ctx, selectRun, name)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Status])
	if err != nil {
		return nil, unavailable("read rebuilds", err)
	}
	return all, nil
}
