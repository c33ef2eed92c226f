package outbox_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/outbox"
)

const insertOthers = `
INSERT INTO derived.dead_letters (id, subscription, user_id, position, state)
SELECT gen_random_uuid(), $1, gen_random_uuid(), 1000000 + n, 'dead' FROM generate_series(1, $2::int) AS n`

// However many are parked, and though it be more than the limit, as that has been lowered: a retry looks at its own user alone.
func TestRetryCostsNoMoreWhenManyAreParked(t *testing.T) {
	t.Parallel()
	pool, _ := open(t)
	streams := newIDs(5)
	lives(t, pool, streams, 1, 1)
	p := &poison{streams: streams, version: 1}
	relay, stop := start(t, pool, p.handle)
	idle(t, relay)
	stop()
	const others = 10_000
	if _, err := pool.Exec(t.Context(), insertOthers, name, others); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), `UPDATE derived.subscriptions SET parked = parked + $1 WHERE name = $2`, others, name); err != nil {
		t.Fatal(err)
	}
	one := alone(t, pool)
	sub := outbox.Subscription{Name: name, Handle: p.handle, Skip: skip, UserOf: userOf}
	relay = outbox.New(one, sub, outbox.Retry{Tries: 2, Limit: others}, zerolog.Nop())
	before := lettersRead(t, one)
	p.mended.Store(true)
	for _, l := range letters(t, relay, outbox.Retrying) {
		if left, err := relay.Retry(t.Context(), l.ID); left != 0 || err != nil {
			t.Errorf("%d left, %v", left, err)
		}
	}
	if read := lettersRead(t, one) - before; read == 0 || read > others {
		t.Errorf("five retries read %d dead letters", read)
	}
	if s := status(t, relay); s.Parked != others {
		t.Errorf("%d users are parked, want %d", s.Parked, others)
	}
}

// alone is a pool with one connection.
func alone(t *testing.T, pool *pgxpool.Pool) *pgxpool.Pool {
	t.Helper()
	config := pool.Config()
	config.MaxConns = 1
	one, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(one.Close)
	return one
}

const selectLettersRead = `
SELECT seq_tup_read + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes i WHERE i.relid = t.relid)::bigint
FROM pg_stat_user_tables t WHERE t.relid = 'derived.dead_letters'::regclass`

// lettersRead counts the dead letters that were read so far; the only connection has to say so first.
func lettersRead(t *testing.T, one *pgxpool.Pool) (n int64) {
	t.Helper()
	_, err := one.Exec(t.Context(), `SELECT pg_stat_force_next_flush()`)
	if err := errors.Join(err, one.QueryRow(t.Context(), selectLettersRead).Scan(&n)); err != nil {
		t.Fatal(err)
	}
	return n
}

const parkedIsRight = `
SELECT parked = (SELECT count(DISTINCT user_id) FROM derived.dead_letters WHERE subscription = name AND state <> 'skipped')
FROM derived.subscriptions WHERE name = $1`

// Relays and operators retry, operators give up, and events come, all at once: the number is right, though only what is parked
// anew is counted.
func TestParkedUsersAreCountedRight(t *testing.T) {
	t.Parallel()
	pool, _ := open(t)
	streams := newIDs(30)
	lives(t, pool, streams, 1, 1)
	lives(t, pool, streams[:15], 2, 2) // of half of them another waits
	p := &poison{streams: streams, version: 1}
	var relay *outbox.Relay
	for range 2 {
		relay, _ = start(t, pool, p.handle)
	}
	idle(t, relay)
	right := func() (right bool) {
		if err := pool.QueryRow(t.Context(), parkedIsRight, name).Scan(&right); err != nil || !right {
			t.Errorf("counted right: %t, %v", right, err)
		}
		return right
	}
	operate(t, relay)
	right()
	p.mended.Store(true)
	operate(t, relay)
	right()
	lives(t, pool, streams[:15], 3, 4)
	if _, err := relay.RetryAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "nothing is parked", func() bool { return !right() || len(letters(t, relay, "")) == 0 })
	idle(t, relay)
	right()
}

// operate gives each fifth letter up and tries it again, at once.
func operate(t *testing.T, relay *outbox.Relay) {
	t.Helper()
	var busy sync.WaitGroup
	for n, l := range letters(t, relay, "") {
		if n%5 > 0 {
			continue
		}
		for _, do := range []func() error{
			func() error { _, err := relay.Skip(t.Context(), l.ID, "grace", "never again"); return err },
			func() error { _, err := relay.Retry(t.Context(), l.ID); return err },
		} {
			busy.Go(func() {
				if err := do(); err != nil && !errors.Is(err, outbox.ErrNotFirst) && !errors.Is(err, outbox.ErrNoDeadLetter) {
					t.Error(err)
				}
			})
		}
	}
	busy.Wait()
}
