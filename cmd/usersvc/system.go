package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	httpapi "github.com/usersvc/usersvc/internal/http"
	"github.com/usersvc/usersvc/migrations"
)

// system says how this process is, and what it knows of the others.
type system struct {
	pool     *pgxpool.Pool
	started  time.Time
	settings []httpapi.Setting
	troubles *troubles
}

func (s *system) look(ctx context.Context) httpapi.System {
	stat := s.pool.Stat()
	found := httpapi.System{
		Version: version(), Go: runtime.Version(), StartedAt: httpapi.Instant(s.started), Settings: s.settings, Errors: s.troubles.newestFirst(),
		Pool: httpapi.Pool{Open: int(stat.TotalConns()), InUse: int(stat.AcquiredConns()), Limit: int(stat.MaxConns())},
	}
	if d, err := s.database(ctx); err == nil {
		found.Database = d
		found.Replicas, _ = s.replicas(ctx) // as good as it gets: the database was there a moment ago
	}
	return found
}

// version is that of the module, when it was built as one.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "development"
}

const selectDatabase = `
SELECT current_setting('server_version'), pg_database_size(current_database()),
  (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()), current_setting('max_connections')::int`

func (s *system) database(ctx context.Context) (*httpapi.Database, error) {
	state, err := migrations.Current(ctx, s.pool)
	if err != nil {
		return nil, err
	}
	d := httpapi.Database{Schema: int(state.Current)}
	err = s.pool.QueryRow(ctx, selectDatabase).Scan(&d.Version, &d.Bytes, &d.Connections, &d.ConnectionLimit)
	return &d, err
}

// Those that connect as the same role, which is all of them where the documents are followed.
const selectReplicas = `
SELECT application_name, count(*), min(backend_start) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE $1 || '%' GROUP BY 1 ORDER BY 3`

func (s *system) replicas(ctx context.Context) ([]httpapi.Replica, error) {
	rows, _ := s.pool.Query(ctx, selectReplicas, applicationPrefix)
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r httpapi.Replica, err error) {
		var since time.Time
		err = row.Scan(&r.Name, &r.Connections, &since)
		r.Since = httpapi.Instant(since)
		r.Name = strings.TrimPrefix(r.Name, applicationPrefix)
		return r, err
	})
}
