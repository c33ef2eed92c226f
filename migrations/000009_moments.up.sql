-- Reads of the past begin with an instant, so that one round trip is enough.
SET LOCAL ROLE usersvc_owner;

-- The newest position that was recorded at or before an instant, and its time; position 0 is before the first event. As
-- positions have no gaps and times never go back along them, halving finds it with as many probes of the primary key as the
-- number of events has digits in binary. PostgreSQL puts a function of this kind in place of its call, and plans both.
CREATE FUNCTION eventlog.place_at(instant timestamptz) RETURNS TABLE ("position" bigint, recorded_at timestamptz)
LANGUAGE sql STABLE AS $$
  WITH RECURSIVE search (before, at, beyond) AS (
    SELECT 0::bigint, '0001-01-01Z'::timestamptz, COALESCE((SELECT max(e.position) FROM eventlog.events e), 0) + 1
    UNION ALL
    SELECT CASE WHEN e.recorded_at <= instant THEN e.position ELSE s.before END,
           CASE WHEN e.recorded_at <= instant THEN e.recorded_at ELSE s.at END,
           CASE WHEN e.recorded_at <= instant THEN s.beyond ELSE e.position END
    FROM search s JOIN eventlog.events e ON e.position = (s.before + s.beyond) / 2
    WHERE s.beyond - s.before > 1
  )
  SELECT s.before, s.at FROM search s WHERE s.beyond - s.before = 1
$$;
REVOKE EXECUTE ON FUNCTION eventlog.place_at FROM PUBLIC;
GRANT EXECUTE ON FUNCTION eventlog.place_at TO usersvc_app;

RESET ROLE;
SET LOCAL ROLE usersvc_app;

-- What a user's counters were at an instant is then one look into the ledger, and no place has to be found for it.
ALTER TABLE derived.activity ADD COLUMN recorded_at timestamptz; -- of the event at the position
UPDATE derived.activity a SET recorded_at = e.recorded_at FROM eventlog.events e WHERE e.position = a.position;
ALTER TABLE derived.activity
  ALTER COLUMN recorded_at SET NOT NULL,
  DROP CONSTRAINT activity_pkey,
  ADD PRIMARY KEY (user_id, recorded_at, position);

-- Nothing is lost more often than something: as NULL, the statistics say how much more often.
UPDATE derived.user_versions SET lost_roles = NULL WHERE lost_roles = '{}';

RESET ROLE;
