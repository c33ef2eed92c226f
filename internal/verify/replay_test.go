package verify_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/verify"
)

const manyFollowers = `
INSERT INTO eventlog.events (position, recorded_at, event_id, stream_id, version, schema_version, stream_type, type, data, metadata)
SELECT e.position + n, e.recorded_at, gen_random_uuid(), gen_random_uuid(), 1, 1, 'activity', 'UserFollowed',
  jsonb_build_object('source', '/test', 'id', n::text, 'followerId', gen_random_uuid(), 'followedUserId', $1::uuid), '{}'
FROM (SELECT * FROM eventlog.events ORDER BY position DESC LIMIT 1) e, generate_series(1, 25000) n`

// However much has happened to one user, a check holds no more of it in memory than of others: it says how far it is whenever it hands
// rows over.
func TestReplayHandsOverWithinAUser(t *testing.T) {
	h := open(t)
	admin, err := pgx.Connect(t.Context(), h.db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(t.Context())
	if _, err := admin.Exec(t.Context(), manyFollowers, h.ids[0]); err != nil {
		t.Fatal(err)
	}
	handed := 0
	_, err = verify.Check(t.Context(), h.pool, func(phase string, _, _ int64) {
		if phase == "replay" {
			handed++
		}
	})
	if err != nil || handed < 3 {
		t.Errorf("%d portions of 25,000 events, %v", handed, err)
	}
}
