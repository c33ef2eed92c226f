package rebuild_test

import (
	"testing"

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

// Another replica that starts drops nothing that a rebuild is at.
func TestWhatARebuildIsAtIsNotDropped(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.handled(t, 5, 50)
	r.quiet(t)
	release := r.reader(t) // keeps it from switching
	done := underWay(t, r.begin(t))
	r.untilSwitching(t)
	r.rebuilds.Complete(t.Context(), projections.Subscription)
	if left := r.texts(t, `SELECT relname FROM pg_class WHERE oid = to_regclass('rebuild.user_versions')`); len(left) != 1 {
		t.Error("the table that was made by a transaction of its own is gone, or never was")
	}
	release()
	if err := <-done; err != nil {
		t.Error(err)
	}
	r.wantNothingLeft(t)
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
	r.asSuperuser(t, insertPosts, 3000, r.ids[0])
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
