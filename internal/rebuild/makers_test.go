package rebuild_test

import (
	"bytes"
	"context"
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

// One maker may take far longer than the other, which must not be taken for frozen meanwhile.
func TestMakersWaitForEachOther(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]string{"for the largest table": "user_versions", "for the others": "user_profiles"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := open(t)
			r.handled(t, 5, 50)
			r.quiet(t)
			config, once := r.pool.Config(), new(sync.Once)
			config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, address)
				return &delaying{Conn: conn, table: table, once: once}, err
			}
			pool, err := pgxpool.NewWithConfig(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(pool.Close)
			began := time.Now()
			rebuilds := rebuild.New(pool, zerolog.Nop(), rebuild.Profiles(pool, r.relay, outbox.DefaultRetry, zerolog.Nop()))
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
	r := open(t)
	r.handled(t, 5, 50)
	r.quiet(t)
	target := rebuild.Profiles(r.pool, r.relay, outbox.DefaultRetry, zerolog.Nop())
	target.Rows = func() rebuild.Rows { return new(slow) }
	if err := rebuild.New(r.pool, zerolog.Nop(), target).Rebuild(t.Context(), projections.Subscription); err != nil {
		t.Error(err)
	}
}
