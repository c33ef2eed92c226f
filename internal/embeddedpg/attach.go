//go:build unix

package embeddedpg

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// attach connects to the server of another process. It returns nil while that one is not ready, or
// has not made the database yet: a connection is the only sure sign of both.
func attach(ctx context.Context, o Options, f folder) *Server {
	pid := f.readPIDFile()
	if pid.socketDir == "" {
		return nil
	}
	s := &Server{DataDir: f.data(), Attached: true, database: o.Database, socketDir: pid.socketDir}
	conn, err := pgx.Connect(ctx, s.URL(superuser, o.Database))
	if err != nil {
		return nil
	}
	defer conn.Close(context.WithoutCancel(ctx))
	s.Version = "PostgreSQL " + conn.PgConn().ParameterStatus("server_version")
	o.Log("using the PostgreSQL that process %s runs in %s", f.owner(), f.path)
	return s
}
