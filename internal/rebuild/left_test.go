package rebuild_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/rebuild"
)

// What a rebuild has committed when its process is killed.
const leaveTable = `SET ROLE usersvc_app; CREATE TABLE rebuild.user_versions AS SELECT 1 AS what_was_left`

// The next start of a service drops what a crash has left of a rebuild, and so does the next rebuild.
func TestWhatACrashLeavesIsDropped(t *testing.T) {
	t.Parallel()
	for by, drop := range map[string]func(*replica, *testing.T){
		"a start":   func(r *replica, t *testing.T) { r.rebuilds.Complete(t.Context(), projections.Subscription) },
		"a rebuild": func(r *replica, t *testing.T) { r.rebuild(t, projections.Subscription) },
	} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			r := open(t)
			r.handled(t, 5, 50)
			r.asSuperuser(t, leaveTable)
			drop(r, t)
			r.wantNothingLeft(t)
		})
	}
}

// committed is a table that others see before the switch.
const committed = `SELECT relname::text FROM pg_class WHERE oid = to_regclass('rebuild.user_versions')`

// aboutToSwitch has a rebuild go on that nobody writes beside, and that a reader keeps from switching until it is released.
func aboutToSwitch(t *testing.T) (r *replica, release func(), done <-chan error) {
	t.Helper()
	r = settled(t, true)
	release = r.reader(t)
	done = underWay(t, r.begin(t))
	r.untilSwitching(t)
	return r, release, done
}

// Another replica that starts drops nothing that a rebuild is at. It waits until it may look.
func TestWhatARebuildIsAtIsNotDropped(t *testing.T) {
	t.Parallel()
	r, release, done := aboutToSwitch(t)
	completed := make(chan struct{})
	go func() { defer close(completed); r.rebuilds.Complete(t.Context(), projections.Subscription) }()
	<-time.After(time.Second)
	if len(r.texts(t, committed)) != 1 {
		t.Error("the table that was made by a transaction of its own is gone, or never was")
	}
	release()
	if err := <-done; err != nil {
		t.Error(err)
	}
	<-completed
	r.wantNothingLeft(t)
}

// The database takes a moment to notice that a process is gone. A service that is started meanwhile drops what was left all the same.
func TestWhatACrashLeavesIsDroppedLater(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.handled(t, 5, 50)
	r.asSuperuser(t, leaveTable)
	tx := r.hold(t, pgx.ReadCommitted, `SELECT pg_advisory_xact_lock(7310580, hashtext('user_profiles'))`)
	completed := make(chan struct{})
	go func() { defer close(completed); r.rebuilds.Complete(t.Context(), projections.Subscription) }()
	<-time.After(500 * time.Millisecond)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-completed
	r.wantNothingLeft(t)
}

// Somebody looks at the table that was committed, as a dump of everything does. It is known all the same what became of the rebuild.
func TestWhatBecameOfARebuildIsKnown(t *testing.T) {
	t.Parallel()
	r, release, done := aboutToSwitch(t)
	dump := r.hold(t, pgx.ReadCommitted, `LOCK TABLE rebuild.user_versions IN ACCESS SHARE MODE`)
	if err := r.rebuilds.Cancel(t.Context(), projections.Subscription); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err == nil {
		t.Error("it was done all the same")
	}
	release()
	wantCancelled := func() {
		t.Helper()
		if status := r.status(t, projections.Subscription); status.State != rebuild.Cancelled {
			t.Errorf("it was cancelled: %+v", status)
		}
	}
	wantCancelled()
	if _, err := r.rebuilds.Begin(t.Context(), projections.Subscription); !errors.Is(err, rebuild.ErrUnavailable) {
		t.Errorf("the next one: %v", err)
	}
	wantCancelled()
	if err := dump.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.rebuild(t, projections.Subscription)
}

// Nobody who reads waits while the switch waits for whoever looks at a new table, as an automatic vacuum does.
func TestSwitchWaitsForTheNewTablesFirst(t *testing.T) {
	t.Parallel()
	r, release, done := aboutToSwitch(t)
	vacuum := r.hold(t, pgx.ReadCommitted, `LOCK TABLE rebuild.user_versions IN ACCESS SHARE MODE`)
	release()
	var longest time.Duration
	for began := time.Now(); time.Since(began) < 10*time.Second; { // in which it has begun to wait for longer
		asked := time.Now()
		r.page(t)
		longest = max(longest, time.Since(asked))
	}
	if longest > time.Second {
		t.Errorf("a list took %v", longest)
	}
	if err := errors.Join(vacuum.Rollback(t.Context()), <-done); err != nil {
		t.Error(err)
	}
}

// While a rebuild makes the tables, which nobody wrote to when it began, as many events come as are not compared one by one.
func TestOthersBeginToWriteMeanwhile(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.handled(t, 5, 50)
	r.exec(t, `UPDATE derived.user_profiles SET display_name = 'Somebody else' WHERE user_id = ANY ($1)`, r.ids[:2])
	r.quiet(t)
	run := r.begin(t)
	tx := r.hold(t, pgx.ReadCommitted, `LOCK TABLE derived.role_holders`) // keeps it from making the new tables
	done := underWay(t, run)
	r.awaitTexts(t, `SELECT phase FROM derived.rebuilds WHERE phase = 'folding'`)
	r.awaitTexts(t, `SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`)
	r.asSuperuser(t, insertPosts, 1500, r.ids[0])
	r.work(t)
	r.caughtUp(t)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if status := r.status(t, projections.Subscription); status.State != rebuild.Done || status.Differences == nil || *status.Differences != 2 {
		t.Errorf("after it: %+v", status)
	}
	if n := r.rebuild(t, projections.Subscription); n != 0 {
		t.Errorf("%d users differ after it", n)
	}
}
