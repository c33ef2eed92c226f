package transfer

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// How the staged rows are found from here on, and what the planner has to know of them.
const indexStaged = `
CREATE UNIQUE INDEX ON staged (position);
ANALYZE staged;
CREATE TEMP TABLE staged_claims AS
  SELECT position, stream_id, claim, lag(claim) OVER w AS released, lead(position) OVER w AS until
  FROM staged WHERE claim IS NOT NULL WINDOW w AS (PARTITION BY stream_id ORDER BY position);
CREATE UNIQUE INDEX ON staged_claims (position);
ANALYZE staged_claims`

// check looks for the first line that contradicts another: a row with its number, and why. Line n is the event
// at position n.
type check struct{ name, sql string }

var checks = []check{
	{"streams", `
SELECT position, CASE
  WHEN version <> n THEN 'version is ' || version || ', and in the stream it has to be ' || n
  WHEN stream_type <> stream_type_before THEN 'the stream began with another streamType'
  WHEN type_before = 'UserDeleted' THEN 'the user was deleted before'
  WHEN stream_type = 'activity' THEN 'an event of another domain has a stream of its own, with nothing else in it'
  WHEN n = 1 THEN 'the first event of a user has to be UserCreated'
  ELSE 'UserCreated has to be the first event of a user'
END FROM (
  SELECT position, stream_type, type, version, row_number() OVER w AS n,
         lag(stream_type) OVER w AS stream_type_before, lag(type) OVER w AS type_before
  FROM staged WINDOW w AS (PARTITION BY stream_id ORDER BY position)
) e
WHERE version <> n OR stream_type <> stream_type_before OR type_before = 'UserDeleted'
   OR CASE stream_type WHEN 'user' THEN (n = 1) <> (type = 'UserCreated') ELSE n > 1 END
ORDER BY position LIMIT 1`},
	{"ids of streams", `
SELECT position, 'no user has the id ' || id || ' before: sent again, the event would be kept twice'
FROM staged s CROSS JOIN unnest(passed) AS p (id)
WHERE passed IS NOT NULL
  AND NOT EXISTS (SELECT FROM staged u WHERE u.stream_id = p.id AND u.stream_type = 'user' AND u.position < s.position)
ORDER BY position LIMIT 1`},
	{"ids", `
SELECT max(position), 'its id is that of line ' || min(position) FROM staged GROUP BY event_id HAVING count(*) > 1 ORDER BY 1 LIMIT 1`},
	{"addresses", `
SELECT position, 'its address belongs to the user of line ' || since FROM (
  SELECT position, lag(position) OVER w AS since, lag(until) OVER w AS until
  FROM staged_claims WHERE claim <> '' WINDOW w AS (PARTITION BY claim ORDER BY position)
) c
WHERE since IS NOT NULL AND (until IS NULL OR until > position)
ORDER BY position LIMIT 1`},
	{"the log", `
SELECT s.position, 'the log has another event at this position: it is not a beginning of the file'
FROM staged s JOIN eventlog.events e ON e.position = s.position
WHERE (s.recorded_at, s.event_id, s.stream_id, s.version, s.schema_version, s.stream_type, s.type, s.data::text, s.metadata::text)
   IS DISTINCT FROM (e.recorded_at, e.event_id, e.stream_id, e.version, e.schema_version, e.stream_type, e.type, e.data::text, e.metadata::text)
ORDER BY s.position LIMIT 1`},
}

// checkAll checks what is staged as a whole, and against the log.
func checkAll(ctx context.Context, conn *pgx.Conn, count int64, progress Progress) error {
	progress("sorting", 0, count)
	if _, err := conn.Exec(ctx, indexStaged); err != nil {
		return err
	}
	for _, c := range checks {
		progress("checking "+c.name, 0, count)
		var bad Unacceptable
		err := conn.QueryRow(ctx, c.sql).Scan(&bad.Line, &bad.Why)
		switch {
		case err == nil:
			return &bad
		case !errors.Is(err, pgx.ErrNoRows):
			return fmt.Errorf("check %s: %w", c.name, err)
		}
	}
	return nil
}
