package torture

import "github.com/jackc/pgx/v5"

// eventsOfASeed are those of each user that is in the log before a check begins.
const (
	eventsOfASeed  = 10
	versionOfASeed = 8
)

// Written past the service, which would take minutes. The events of a user lie apart, as they do in life, and
// after each user's own there are two of other domains.
const insertSeed = `
WITH users AS (SELECT u, md5('seed ' || u)::uuid AS id FROM generate_series(1, $1::integer) u),
claimed AS (INSERT INTO eventlog.claims (scope, key, stream_id) SELECT 'email', 'seed-' || u || '@example.com', id FROM users)
INSERT INTO eventlog.events (position, recorded_at, event_id, stream_id, version, schema_version, stream_type, type, data, metadata)
SELECT p, now() - interval '1 hour' + p * interval '1 microsecond', gen_random_uuid(),
  CASE WHEN k <= 8 THEN id ELSE md5('activity ' || p)::uuid END, CASE WHEN k <= 8 THEN k ELSE 1 END, CASE WHEN k = 1 THEN 2 ELSE 1 END,
  CASE WHEN k <= 8 THEN 'user' ELSE 'activity' END,
  CASE k WHEN 1 THEN 'UserCreated' WHEN 8 THEN 'RoleGranted' WHEN 9 THEN 'PostCreated' WHEN 10 THEN 'UserFollowed' ELSE 'UserProfileChanged' END,
  CASE k
    WHEN 1 THEN jsonb_build_object('email', 'seed-' || u || '@example.com', 'displayName', 'Seed ' || u, 'firstName', '', 'lastName', '')
    WHEN 8 THEN jsonb_build_object('role', 'seed')
    WHEN 9 THEN jsonb_build_object('source', '/torture/seed', 'id', p::text, 'authorId', id)
    WHEN 10 THEN jsonb_build_object('source', '/torture/seed', 'id', p::text, 'followerId', gen_random_uuid(), 'followedUserId', id)
    ELSE jsonb_build_object('firstName', 'User', 'lastName', 'Number ' || u * k)
  END,
  jsonb_build_object('actor', 'torture', 'source', 'import', 'correlationId', gen_random_uuid())
FROM users CROSS JOIN generate_series(1, 10) k CROSS JOIN LATERAL (SELECT (k - 1) * $1::bigint + u) AS at (p)
ORDER BY p`

const selectSeed = `SELECT stream_id::text FROM eventlog.events WHERE type = 'UserCreated' ORDER BY position`

// seed puts so many events into a log that is empty, and returns the users that they are about.
func (pg *postgres) seed(events int) (users []string) {
	pg.t.Helper()
	pg.exec(insertSeed, events/eventsOfASeed)
	rows, _ := pg.admin.Query(pg.t.Context(), selectSeed)
	users, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		pg.t.Fatal(err)
	}
	return users
}

// tidyUp has the server do at once what it would do some time after so many changes.
func (pg *postgres) tidyUp() {
	pg.t.Helper()
	pg.exec("VACUUM ANALYZE")
	pg.exec("CHECKPOINT")
}
