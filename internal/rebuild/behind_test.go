package rebuild_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/rebuild"
)

// Posts of one user, behind the end of the log.
const insertPosts = `
INSERT INTO eventlog.events (position, recorded_at, event_id, stream_id, version, schema_version, stream_type, type, data, metadata)
SELECT head + n, clock_timestamp(), gen_random_uuid(), gen_random_uuid(), 1, 1, 'activity', 'PostCreated',
  jsonb_build_object('source', '/test', 'id', n::text, 'authorId', $2::uuid), jsonb_build_object('actor', 'test', 'source', 'test', 'correlationId', gen_random_uuid())
FROM generate_series(1, $1::bigint) AS n, (SELECT max(position) AS head FROM eventlog.events) AS log`

// A projection that is far behind, as after an import, is taken to the end of the log by folding it. The relay waits
// meanwhile, and goes on from there.
func TestFarBehindIsFolded(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.history(t, 20, 300)
	r.asSuperuser(t, insertPosts, rebuild.FarBehind, r.ids[0])
	r.rebuilds.Complete(t.Context(), projections.Subscription)
	if status := r.status(t, projections.Subscription); status.State != rebuild.Done || status.Differences != nil || status.Processed < rebuild.FarBehind {
		t.Errorf("after it: %+v", status)
	}
	r.wantNothingLeft(t)
	r.work(t)
	r.create(t, 1)
	r.caughtUp(t)
	if n := r.rebuild(t, projections.Subscription); n != 0 {
		t.Errorf("%d users differ", n)
	}
}

func (r *replica) asSuperuser(t *testing.T, statement string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), r.adminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// What is nearly up to date is left to the relay, though it lacks many events: folding would take longer than those.
func TestNearlyUpToDateIsLeftAlone(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.history(t, 5, 50)
	r.asSuperuser(t, insertPosts, 2*rebuild.FarBehind+1, r.ids[0])
	r.asSuperuser(t, `UPDATE derived.subscriptions SET checkpoint = (SELECT max(position) FROM eventlog.events)`)
	r.asSuperuser(t, insertPosts, rebuild.FarBehind, r.ids[0])
	r.rebuilds.Complete(t.Context(), projections.Subscription)
	if _, began, err := r.rebuilds.Status(t.Context(), projections.Subscription); began || err != nil {
		t.Errorf("a rebuild was begun: %v, %v", began, err)
	}
}
