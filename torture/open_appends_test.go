package torture

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

var (
	schedules = times{2, 20, 100}
	others    = times{30, 200, 500} // commands beside each
)

const (
	longestOpen = 2 * time.Second
	mostOpen    = 3 // at a time
)

// Appends that stay open for up to two seconds before they are committed, or given up, among many others that
// want to go past them. Whoever reads on from the last position that it has seen gets every position, in order;
// so does the projection, and so do the rebuilds that run beside it.
func TestOpenAppends(t *testing.T) {
	begin(t)
	pg := startPostgres(t)
	pg.removeAppendLock()
	s := serve(t, pg.url("usersvc"))
	l := (&load{t: t, clients: 16, target: at(s)}).start()
	stopReader := pg.readOn()
	rebuilds := 0
	for n := range schedules.now() {
		if !pg.rebuilding() {
			s.rebuild(t)
			rebuilds++
		}
		l.holdOpen(pg, chance(-1-n))
		l.await(int(l.acknowledged.Load()) + others.now())
	}
	l.stop()
	await(t, "the last rebuild ends", func() bool { return !pg.rebuilding() })
	pg.awaitProjection()
	seen := stopReader()
	if _, head := pg.standing(); seen != head {
		t.Errorf("the reader saw positions up to %d of %d", seen, head)
	}
	l.checkProjection(pg)
	t.Logf("%d schedules beside %d rebuilds; a reader saw positions 1 to %d, each once and in order", schedules.now(), rebuilds, seen)
}

// holdOpen runs one schedule: a few appends at once, each open for a while and then committed or given up.
func (l *load) holdOpen(pg *postgres, rng *rand.Rand) {
	var all sync.WaitGroup
	for range 1 + rng.IntN(mostOpen) {
		pause, commit := time.Duration(rng.Int64N(int64(longestOpen))), rng.IntN(3) > 0
		c := &command{fate: unavailable}
		c.correlation = uuid.Must(uuid.NewV7()).String()
		c.path = fmt.Sprintf("an append that was open for %v", pause)
		l.mu.Lock()
		l.sent = append(l.sent, c)
		l.mu.Unlock()
		all.Go(func() {
			if err := c.appendSlowly(pg, pause, commit); err != nil {
				l.t.Errorf("hold an append open: %v", err)
			}
		})
	}
	all.Wait()
}

// One new user, as the service itself would append it.
const appendUser = `
SELECT version, position FROM eventlog.append_events(clock_timestamp() + interval '1 minute',
  ARRAY[$1::uuid], ARRAY['user'], ARRAY[0], ARRAY[jsonb_build_object('actor', 'torture', 'source', 'api', 'correlationId', $2::text)],
  ARRAY[1], ARRAY[$2::uuid], ARRAY[NULL]::bytea[], ARRAY[NULL]::bytea[], ARRAY[NULL]::jsonb[],
  ARRAY[1], ARRAY[$2::uuid], ARRAY[1], ARRAY['UserCreated'], ARRAY[2],
  ARRAY[jsonb_build_object('email', $2 || '@example.com', 'displayName', 'Open', 'firstName', '', 'lastName', '')],
  ARRAY[1], ARRAY['email'], ARRAY[$2 || '@example.com'], ARRAY[true])`

// appendSlowly appends as the service's role may, in a transaction of its own.
func (c *command) appendSlowly(pg *postgres, pause time.Duration, commit bool) error {
	ctx := pg.t.Context()
	conn, err := pgx.Connect(ctx, pg.url("usersvc"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = 0"); err != nil { // behind others like it
		return err
	}
	if err := tx.QueryRow(ctx, appendUser, uuid.Must(uuid.NewV7()), c.correlation).Scan(&c.version, &c.position); err != nil {
		return err
	}
	<-time.After(pause)
	if !commit {
		return tx.Rollback(ctx)
	}
	c.fate = acknowledged
	return tx.Commit(ctx)
}

const readOn = `SELECT position FROM eventlog.events WHERE position > $1 ORDER BY position LIMIT 500`

// readOn follows the log as any subscriber may: it remembers one integer. Stopped, it says how far it got.
func (pg *postgres) readOn() (stop func() int64) {
	stopped, done := make(chan struct{}), make(chan int64, 1)
	go func() {
		last := int64(0)
		for over := false; !over; {
			select {
			case <-pg.t.Context().Done():
				return
			case <-stopped:
				over = true // after one more look
			case <-time.After(2 * time.Millisecond):
			}
			rows, _ := pg.admin.Query(pg.t.Context(), readOn, last)
			positions, err := pgx.CollectRows(rows, pgx.RowTo[int64])
			if err != nil {
				pg.t.Error(err)
			}
			for _, p := range positions {
				if p != last+1 {
					pg.t.Errorf("a reader that has seen position %d is given %d next", last, p)
				}
				last = p
			}
		}
		done <- last
	}()
	return func() int64 { close(stopped); return <-done }
}
