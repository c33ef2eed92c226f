package rebuild_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/rebuild"
	"github.com/usersvc/usersvc/internal/tuples"
)

// gathering notes how many events were folded before their rows were taken, at most.
type gathering struct {
	projections.Rebuilt
	events, most int
}

func (g *gathering) Add(e eventstore.Recorded) error {
	g.events++
	g.most = max(g.most, g.events)
	return g.Rebuilt.Add(e)
}

func (g *gathering) Take() []tuples.Rows {
	g.events = 0
	return g.Rebuilt.Take()
}

const manyFollowers = `
INSERT INTO eventlog.events (position, recorded_at, event_id, stream_id, version, schema_version, stream_type, type, data, metadata)
SELECT e.position + n, e.recorded_at, gen_random_uuid(), gen_random_uuid(), 1, 1, 'activity', 'UserFollowed',
  jsonb_build_object('source', '/test', 'id', n::text, 'followerId', gen_random_uuid(), 'followedUserId', e.stream_id), '{}'
FROM (SELECT * FROM eventlog.events ORDER BY position DESC LIMIT 1) e, generate_series(1, $1) n`

// However much has happened to one user, a rebuild holds no more of it in memory than of others.
func TestRebuildHandsOverWithinAUser(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.create(t, 2)
	admin, err := pgx.Connect(t.Context(), r.adminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(t.Context())
	const followers = 3 * rebuild.EventsTogetherAlone
	if _, err := admin.Exec(t.Context(), manyFollowers, followers); err != nil {
		t.Fatal(err)
	}
	r.exec(t, `UPDATE derived.subscriptions SET checkpoint = (SELECT max(position) FROM eventlog.events)`) // so they are folded
	var g *gathering
	target := rebuild.Profiles(r.pool, r.relay, outbox.DefaultRetry, zerolog.Nop())
	target.Rows = func() rebuild.Rows { g = new(gathering); return g }
	if err := rebuild.New(r.pool, zerolog.Nop(), target).Rebuild(t.Context(), "user_profiles"); err != nil {
		t.Fatal(err)
	}
	if g.most > rebuild.EventsTogetherAlone {
		t.Errorf("the rows of %d events were held together, want %d at most", g.most, rebuild.EventsTogetherAlone)
	}
	user, err := r.profiles.Current(t.Context(), r.ids[1])
	if err != nil || user.Activity.FollowerCount != followers {
		t.Errorf("%d followers, %v, want %d", user.Activity.FollowerCount, err, followers)
	}
}
