package rebuild_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/rebuild"
)

const catalogue = `
SELECT i.indexdef FROM pg_indexes i WHERE i.schemaname = 'derived' AND i.tablename IN ('user_profiles', 'user_versions', 'role_holders', 'activity')
UNION ALL SELECT conname FROM pg_constraint WHERE connamespace = 'derived'::regnamespace AND contype = 'p'
UNION ALL SELECT c.relname || ' of ' || c.relowner::regrole FROM pg_class c WHERE c.relnamespace = 'derived'::regnamespace
UNION ALL SELECT table_name || '.' || column_name || ' ' || is_nullable || ' ' || COALESCE(column_default, '') || ' ' || COALESCE(collation_name, '')
  FROM information_schema.columns WHERE table_schema = 'derived'
ORDER BY 1`

const identities = `SELECT relname || ' ' || oid FROM pg_class WHERE relnamespace = 'derived'::regnamespace
  AND relname IN ('user_profiles', 'user_versions', 'role_holders', 'activity') ORDER BY relname`

func TestRebuildMakesTheSameRowsAndTables(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.history(t, 40, 600)
	r.work(t)
	r.caughtUp(t)
	rows, tables := r.rows(t), r.texts(t, catalogue)
	r.quiet(t)
	for range 2 { // what was rebuilt can be rebuilt
		before := r.texts(t, identities)
		if n := r.rebuild(t, "user_profiles"); n != 0 {
			t.Errorf("%d users differ", n)
		}
		if diff := cmp.Diff(rows, r.rows(t)); diff != "" {
			t.Errorf("rows (-before +after): %s", diff)
		}
		if diff := cmp.Diff(tables, r.texts(t, catalogue)); diff != "" {
			t.Errorf("tables (-before +after): %s", diff)
		}
		for i, is := range r.texts(t, identities) {
			if is == before[i] {
				t.Errorf("not replaced: %s", is)
			}
		}
		r.wantIndexedFirst(t, false) // but at once, of all rows
		r.wantNothingLeft(t)
	}
	r.create(t, 1)
	r.caughtUp(t) // the relay goes on
}

// Commands of a transaction are numbered.
const indexedFirst = `
SELECT (i.cmin::text::int < min(h.cmin::text::int))::text
FROM pg_index i JOIN derived.role_holders h ON h.xmin = i.xmin
WHERE i.indexrelid = 'derived.role_holders_by_created_at'::regclass GROUP BY i.cmin`

// wantIndexedFirst looks whether the tables had indexes before they had rows.
func (r *replica) wantIndexedFirst(t *testing.T, want bool) {
	t.Helper()
	if got := r.texts(t, indexedFirst); len(got) != 1 || got[0] != strconv.FormatBool(want) {
		t.Errorf("indexed before it was filled: %s, want %t", got, want)
	}
}

// quiet waits until nobody has written for a second.
func (r *replica) quiet(t *testing.T) {
	t.Helper()
	head, err := r.log.Head(t.Context())
	for err == nil && head.Clock.Sub(head.RecordedAt) <= time.Second {
		<-time.After(50 * time.Millisecond)
		head, err = r.log.Head(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (r *replica) wantNothingLeft(t *testing.T) {
	t.Helper()
	left := r.texts(t, `SELECT relname FROM pg_class WHERE relnamespace = 'rebuild'::regnamespace
UNION ALL SELECT name FROM derived.subscriptions WHERE name <> 'user_profiles'
UNION ALL SELECT subscription FROM derived.dead_letters WHERE subscription <> 'user_profiles'`)
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestRebuildFindsAndMendsWrongRows(t *testing.T) {
	t.Parallel()
	for name, alone := range map[string]bool{"beside others": false, "alone": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := open(t)
			r.history(t, 20, 300)
			r.work(t)
			r.caughtUp(t)
			if alone {
				r.quiet(t)
			}
			wantMended(t, r)
		})
	}
}

func wantMended(t *testing.T, r *replica) {
	t.Helper()
	rows := r.rows(t)
	r.exec(t, `UPDATE derived.user_profiles SET display_name = 'Somebody else' WHERE user_id = $1`, r.ids[0])
	r.exec(t, `DELETE FROM derived.user_profiles WHERE user_id = $1`, r.ids[1])
	r.exec(t, `UPDATE derived.user_profiles SET post_count = post_count + 1 WHERE user_id = $1`, r.ids[2])
	r.exec(t, `INSERT INTO derived.activity (user_id, position, post_count, follower_count, recorded_at) VALUES ($1, 1, 7, 7, now())`, r.ids[3])
	r.exec(t, `UPDATE derived.user_profiles SET user_id = gen_random_uuid() WHERE user_id = $1`, r.ids[4]) // one too many, one too few
	r.exec(t, `UPDATE derived.user_versions SET display_name = 'Somebody else' WHERE (user_id, position) = (
  SELECT user_id, position FROM derived.user_versions WHERE user_id <> ALL ($1) LIMIT 1)`, r.ids[:5])
	if n := r.rebuild(t, "user_profiles"); n != 7 {
		t.Errorf("%d users differ, want 7", n)
	}
	if diff := cmp.Diff(rows, r.rows(t)); diff != "" {
		t.Errorf("rows (-before +after): %s", diff)
	}
}

func TestOneRebuildAtATime(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.history(t, 3, 20)
	first, err := r.rebuilds.Begin(t.Context(), "user_profiles")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.rebuilds.Begin(t.Context(), "user_profiles"); !errors.Is(err, rebuild.ErrRunning) {
		t.Errorf("a second one: %v", err)
	}
	other, err := r.rebuilds.Begin(t.Context(), "snapshots")
	if err != nil {
		t.Fatalf("of something else: %v", err)
	}
	if err := errors.Join(other.Do(t.Context()), first.Do(t.Context())); err != nil {
		t.Error(err)
	}
	r.rebuild(t, "user_profiles")
}

func TestRebuildThatDoesNotEndWell(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]struct {
		by    func(t *testing.T, r *replica, stop context.CancelFunc)
		state string
	}{
		"cancelled": {func(t *testing.T, r *replica, _ context.CancelFunc) {
			if err := r.rebuilds.Cancel(t.Context(), "user_profiles"); err != nil {
				t.Error(err)
			}
		}, "cancelled"},
		"stopped": {func(_ *testing.T, _ *replica, stop context.CancelFunc) { stop() }, "failed"},
		"killed": {func(t *testing.T, r *replica, _ context.CancelFunc) {
			r.exec(t, `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7310580 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
		}, "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, alone := range []bool{false, true} {
				wantAsBefore(t, alone, end.state, end.by)
			}
		})
	}
}

// wantAsBefore has a rebuild ended when it is about to switch, beside others or alone.
func wantAsBefore(t *testing.T, alone bool, state string, by func(*testing.T, *replica, context.CancelFunc)) {
	t.Helper()
	r := settled(t, alone)
	rows := r.rows(t)
	release := r.reader(t) // keeps it from switching
	ctx, stop := context.WithCancel(t.Context())
	run, err := r.rebuilds.Begin(ctx, "user_profiles")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- run.Do(ctx) }()
	r.untilSwitching(t)
	by(t, r, stop)
	if err := <-done; err == nil {
		t.Error("it was done all the same")
	}
	stop()
	release()
	if status := r.status(t, "user_profiles"); status.State != state || state == "failed" && status.Error == nil {
		t.Errorf("after it: %+v", status)
	}
	if diff := cmp.Diff(rows, r.rows(t)); diff != "" {
		t.Errorf("rows (-before +after): %s", diff)
	}
	r.wantNothingLeft(t)
	r.rebuild(t, "user_profiles")
}

// reader begins a transaction that reads the live tables, and goes on until it is released.
func (r *replica) reader(t *testing.T) (release func()) {
	t.Helper()
	tx := r.hold(t, pgx.ReadCommitted, `SELECT FROM derived.user_profiles LIMIT 1`)
	return func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }
}

// A reader that takes its time is waited for, and nobody else waits for long meanwhile.
func TestSwitchMakesNobodyWait(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.history(t, 10, 100)
	r.work(t)
	r.caughtUp(t)
	release := r.reader(t)
	run, err := r.rebuilds.Begin(t.Context(), "user_profiles")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- run.Do(t.Context()) }()
	r.untilSwitching(t)
	var longest time.Duration
	for began := time.Now(); time.Since(began) < 2*time.Second; {
		asked := time.Now()
		if _, err := r.profiles.List(t.Context(), firstPage, 0, 0); err != nil {
			t.Fatal(err)
		}
		longest = max(longest, time.Since(asked))
	}
	t.Logf("the longest list took %v", longest)
	if longest > time.Second { // it gives up after a tenth of that
		t.Errorf("a list took %v", longest)
	}
	r.create(t, 1)
	r.caughtUp(t)
	release()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
