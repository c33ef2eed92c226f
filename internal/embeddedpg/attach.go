//go:build unix

package embeddedpg

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// attach connects to the server of another process. It returns nil while that one is not ready, or
// has not made the database yet: a connection is the only sure sign of both.
func attach(ctx context.Context, o Options, f folder) *Server {
	pid := f.readPIDFile()
	if pid.socketDir == "" {
		return nil
	}
	s := &Server{DataDir: f.data(), Attached: true, database: o.Database, socketDir: pid.socketDir, owner: newOwner(f)}
	conn, err := pgx.Connect(ctx, s.URL(superuser, o.Database))
	if err != nil {
		return nil
	}
	defer conn.Close(context.WithoutCancel(ctx))
	s.Version = "PostgreSQL " + conn.PgConn().ParameterStatus("server_version")
	o.Log("using the PostgreSQL that process %s runs in %s", f.owner(), f.path)
	return s
}

// owner is the process that runs a server which others are attached to.
type owner struct {
	folder folder
	watch  func() // once
	forget func() // once
	gone   chan struct{}
}

func newOwner(f folder) *owner {
	o := &owner{folder: f, gone: make(chan struct{})}
	forgotten := make(chan struct{})
	o.forget = sync.OnceFunc(func() { close(forgotten) })
	o.watch = sync.OnceFunc(func() { go o.await(forgotten) })
	return o
}

const lookForOwner = 200 * time.Millisecond

// await waits until nobody has the folder. Should another process take it between two looks, there is a server again, at the
// same address.
func (o *owner) await(forgotten <-chan struct{}) {
	for o.folder.taken() {
		select {
		case <-forgotten:
			return
		case <-time.After(lookForOwner):
		}
	}
	close(o.gone)
}
