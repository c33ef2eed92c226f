package rebuild_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/rebuild"
)

// Longer than a transaction may be idle, once rebuilds are in a hurry.
const tooLong = 10 * time.Second

// delaying has the first rows of a table take their time, when PostgreSQL is waiting for them.
type delaying struct {
	net.Conn
	table string
	asked bool
	once  *sync.Once
}

func (d *delaying) Write(message []byte) (int, error) {
	switch {
	case bytes.Contains(message, []byte("COPY rebuild."+d.table)):
		d.asked = true
	case d.asked && bytes.Contains(message, []byte("PGCOPY")):
		d.once.Do(func() { <-time.After(tooLong) })
	}
	return d.Conn.Write(message)
}

// rebuildsThrough has rebuilds talk to PostgreSQL through connections that do more than others.
func (r *replica) rebuildsThrough(t *testing.T, more func(net.Conn) net.Conn) *rebuild.Rebuilds {
	t.Helper()
	config := r.pool.Config()
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return more(conn), err
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return rebuild.New(pool, zerolog.Nop(), rebuild.Profiles(pool, r.relay, outbox.DefaultRetry, zerolog.Nop()))
}

// One maker may take far longer than the other, which must not be taken for frozen meanwhile.
func TestMakersWaitForEachOther(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]string{"for the largest table": "user_versions", "for the others": "user_profiles"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := settled(t, true)
			once := new(sync.Once)
			rebuilds := r.rebuildsThrough(t, func(conn net.Conn) net.Conn { return &delaying{Conn: conn, table: table, once: once} })
			began := time.Now()
			if err := rebuilds.Rebuild(t.Context(), projections.Subscription); err != nil || time.Since(began) < tooLong {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
		})
	}
}

// slow takes its time for the first event.
type slow struct {
	projections.Rebuilt
	once sync.Once
}

func (s *slow) Add(e eventstore.Recorded) error {
	s.once.Do(func() { <-time.After(tooLong) })
	return s.Rebuilt.Add(e)
}

// Nothing comes for a table for a long time.
func TestMakersWaitForRows(t *testing.T) {
	t.Parallel()
	r := settled(t, true)
	target := rebuild.Profiles(r.pool, r.relay, outbox.DefaultRetry, zerolog.Nop())
	target.Rows = func() rebuild.Rows { return new(slow) }
	if err := rebuild.New(r.pool, zerolog.Nop(), target).Rebuild(t.Context(), projections.Subscription); err != nil {
		t.Error(err)
	}
}

// However few connections are free, those who work do not wait for each other.
func TestMakersWithFewConnections(t *testing.T) {
	t.Parallel()
	for _, free := range []int32{2, 3, 4} {
		t.Run(fmt.Sprint(free, " free"), func(t *testing.T) {
			t.Parallel()
			r := settled(t, true)
			run := r.begin(t)
			release := r.keepAllBut(t, free)
			defer release()
			select {
			case err := <-underWay(t, run):
				if err != nil {
					t.Error(err)
				}
			case <-time.After(time.Minute):
				t.Error("it does not come to an end")
			}
		})
	}
}

// With few connections one transaction makes all, and nobody sees any of it before the switch.
func TestOneMakerWithAFewConnections(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.handled(t, 5, 50)
	config := r.pool.Config()
	config.MaxConns = 7
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	r.rebuilds = rebuild.New(pool, zerolog.Nop(), rebuild.Profiles(pool, r.relay, outbox.DefaultRetry, zerolog.Nop()))
	r.quiet(t)
	release := r.reader(t) // keeps it from switching
	done := underWay(t, r.begin(t))
	r.untilSwitching(t)
	if committed := r.texts(t, committed); len(committed) > 0 {
		t.Errorf("others see %v", committed)
	}
	release()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
