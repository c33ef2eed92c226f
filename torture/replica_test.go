package torture

import (
	"fmt"
	"sync/atomic"
	"testing"
)

// replica is one of several services on a database, known there by its name.
type replica struct {
	name    string
	url     string // of its database
	running atomic.Pointer[service]
	out     atomic.Bool // clients leave it alone
}

type replicas []*replica

func serveReplicas(t *testing.T, pg *postgres) replicas {
	t.Helper()
	var all replicas
	for n := range 3 {
		r := &replica{name: fmt.Sprintf("replica-%d", n)}
		r.url = pg.url("usersvc") + "&application_name=" + r.name
		r.start(t)
		all = append(all, r)
	}
	return all
}

func (r *replica) start(t *testing.T) {
	t.Helper()
	r.running.Store(serve(t, r.url))
	r.out.Store(false)
}

// target spreads clients over the replicas that are in.
func (all replicas) target(n int) *service {
	for all[n%len(all)].out.Load() { // at most one of them is
		n++
	}
	return all[n%len(all)].running.Load()
}

// named finds a replica by what it is called in the database.
func (all replicas) named(t *testing.T, name string) *replica {
	t.Helper()
	for _, r := range all {
		if r.name == name {
			return r
		}
	}
	t.Fatalf("%q is none of the replicas", name)
	return nil
}
