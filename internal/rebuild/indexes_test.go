package rebuild_test

import (
	"bytes"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/projections"
)

// foreboding has something happen before an index of the others is built, and gives both makers time to come to those of the largest table.
type foreboding struct {
	net.Conn
	happens func()
}

func (f *foreboding) Write(message []byte) (int, error) {
	switch {
	case bytes.Contains(message, []byte("CREATE INDEX user_profiles_by_words")):
		f.happens()
	case bytes.Contains(message, []byte("CREATE INDEX user_versions_by")):
		<-time.After(time.Second)
	}
	return f.Conn.Write(message)
}

// When somebody has the largest table vacuumed while both makers build indexes of it, neither waits for the other because of that.
func TestVacuumWhileIndexesAreBuilt(t *testing.T) {
	t.Parallel()
	r := settled(t, true)
	var vacuum sync.WaitGroup
	sent := sync.OnceFunc(func() {
		vacuum.Go(func() { r.asSuperuser(t, "VACUUM rebuild.user_versions") })
		r.awaitTexts(t, `SELECT mode FROM pg_locks WHERE relation = 'rebuild.user_versions'::regclass
			AND mode = 'ShareUpdateExclusiveLock' AND NOT granted`)
	})
	rebuilds := r.rebuildsThrough(t, func(conn net.Conn) net.Conn { return &foreboding{conn, sent} })
	if err := rebuilds.Rebuild(t.Context(), projections.Subscription); err != nil {
		t.Error(err)
	}
	vacuum.Wait()
}

// Whoever publishes changes of all tables needs their primary keys as soon as rows change, which is before the switch.
func TestRebuildOfPublishedTables(t *testing.T) {
	t.Parallel()
	r := settled(t, true)
	r.asSuperuser(t, "CREATE PUBLICATION everything FOR ALL TABLES")
	release := r.reader(t) // keeps it from switching
	done := underWay(t, r.begin(t))
	r.untilSwitching(t)
	r.work(t)
	r.create(t, 1)
	if err := r.execute(t.Context(), r.ids[0], domain.Suspend{Reason: "because"}); err != nil {
		t.Fatal(err)
	}
	r.caughtUp(t)
	release()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
