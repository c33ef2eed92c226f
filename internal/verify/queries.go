package verify

import "github.com/usersvc/usersvc/internal/projections"

// query finds what is wrong without a replay: one text for each case, which says where to look.
type query struct{ check, promise, sql string }

var queries = []query{
	{"immutability", "the log refuses to be changed, whatever the session says of triggers", `
SELECT 'the trigger events_are_immutable is missing, or not always on' WHERE NOT EXISTS (
  SELECT FROM pg_trigger WHERE tgrelid = 'eventlog.events'::regclass AND tgname = 'events_are_immutable' AND tgenabled = 'A'
)`},
	{"positions", "positions are 1, 2, 3 … without gaps", `
SELECT position::text FROM (SELECT position, lag(position, 1, 0::bigint) OVER (ORDER BY position) AS before FROM eventlog.events) e
WHERE position <> before + 1`},
	{"times", "times never go back along the positions", `
SELECT position::text FROM (SELECT position, recorded_at, lag(recorded_at) OVER (ORDER BY position) AS before FROM eventlog.events) e
WHERE recorded_at < before`},
	{"versions", "the versions of each stream are 1, 2, 3 … in the order of the positions", `
SELECT DISTINCT stream_id::text FROM (
  SELECT stream_id, version, row_number() OVER (PARTITION BY stream_id ORDER BY position) AS n FROM eventlog.events
) e WHERE version <> n`},
	{"streams", "all events of a stream have its type", `
SELECT stream_id::text FROM eventlog.events GROUP BY stream_id HAVING min(stream_type) <> max(stream_type)`},
	{"idempotency keys", "what is remembered of a command is in the log", `
SELECT k.stream_id || ' version ' || k.version FROM eventlog.idempotency_keys k
WHERE k.version > 0 AND NOT EXISTS (
  SELECT FROM eventlog.events e WHERE e.stream_id = k.stream_id AND e.version = k.version AND e.position = k.position
)`},
	{"checkpoints", "each subscription is there once, and not ahead of the log", `
SELECT name FROM derived.subscriptions GROUP BY name
HAVING count(*) > 1 OR max(checkpoint) > (SELECT COALESCE(max(position), 0) FROM eventlog.events)
UNION ALL
SELECT name FROM (VALUES ('` + projections.Subscription + `')) AS needed (name) WHERE name NOT IN (SELECT name FROM derived.subscriptions)`},
	{"dead letters", "what is parked is in the log, behind nothing but the checkpoint, and counted", `
SELECT d.subscription || ' ' || d.position FROM derived.dead_letters d LEFT JOIN derived.subscriptions s ON s.name = d.subscription
WHERE NOT EXISTS (SELECT FROM eventlog.events e WHERE e.position = d.position) OR d.position > COALESCE(s.checkpoint, 0)
UNION ALL
SELECT s.name FROM derived.subscriptions s
WHERE parked <> (SELECT count(DISTINCT user_id) FROM derived.dead_letters d WHERE d.subscription = s.name AND d.state <> 'skipped')`},
}
