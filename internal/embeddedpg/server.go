//go:build unix

package embeddedpg

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"
)

// Options say which server is wanted. Only Dir is required.
type Options struct {
	Dir       string                           // made if missing; holds data, log and lock
	Database  string                           // made if missing; "usersvc" by default
	Throwaway bool                             // for tests: quicker, but a power cut ruins the data
	Log       func(format string, args ...any) // told, a line each, of what takes long or may surprise
}

// Server is a PostgreSQL server that takes connections.
type Server struct {
	Version  string // as in "PostgreSQL 17.2"
	DataDir  string
	Attached bool // another process owns the server

	database  string
	socketDir string
	postgres  *process // nil if attached
	lock      *os.File // nil if attached
	owner     *owner   // nil if not attached
}

// Start returns the server of the folder: it starts one, or attaches to the one that runs. The first
// time it makes the data, which takes one or two seconds. If another process is just starting the
// server it waits, until ctx ends, and takes over should that process fail.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = func(string, ...any) {}
	}
	if o.Database == "" {
		o.Database = "usersvc"
	}
	f, err := openFolder(o.Dir, o.Log)
	if err != nil {
		return nil, err
	}
	for {
		lock, err := f.tryLock()
		switch {
		case err != nil:
			return nil, err
		case lock != nil:
			return own(ctx, o, f, lock)
		}
		if s := attach(ctx, o, f); s != nil {
			return s, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the PostgreSQL that process %s starts in %s: %w", f.owner(), f.path, context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// URL is the connection string of a role and a database: "postgres" is the superuser.
func (s *Server) URL(role, database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(role), Path: "/" + database}
	u.RawQuery = url.Values{"host": {s.socketDir}, "port": {port}, "sslmode": {"disable"}}.Encode()
	return u.String()
}

// PsqlCommand opens the database in a terminal, as superuser.
func (s *Server) PsqlCommand() string {
	quoted := "'" + strings.ReplaceAll(s.socketDir, "'", `'\''`) + "'"
	return fmt.Sprintf("psql -h %s -p %s -U %s %s", quoted, port, superuser, s.database)
}

// Done is closed when the server has ended, by Stop or on its own; of an attached server when its owner
// is gone. After a Stop that one is not watched any more.
func (s *Server) Done() <-chan struct{} {
	if s.Attached {
		s.owner.watch()
		return s.owner.gone
	}
	return s.postgres.done
}

// Stop ends the server: open transactions are rolled back, everything is written to disk, and the
// folder is free. An error says that it did not end in order; the log file knows more. Stop may be
// called again, and leaves an attached server to its owner.
func (s *Server) Stop() error {
	if s.Attached {
		s.owner.forget()
		return nil
	}
	err := s.postgres.stop()
	if s.socketDir != s.DataDir {
		err = errors.Join(err, os.RemoveAll(s.socketDir))
	}
	_ = s.lock.Close() // that it was closed before is fine
	return err
}
