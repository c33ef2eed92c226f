-- The door keeps the plans that it made for a connection. Where a plan could choose from which side to join, one made while
-- claims or keys were few, as after a VACUUM of an empty database or when all keys had been forgotten, read all of them for
-- each command, until PostgreSQL had counted them again: with each second of load the door became slower. Now each
-- look-up is a question about one row, which leaves nothing to choose.
SET LOCAL ROLE usersvc_owner;

DO $$
DECLARE
  change     record;
  definition text := pg_get_functiondef('eventlog.append_events'::regproc);
BEGIN
  FOR change IN SELECT * FROM (VALUES
    ('JOIN eventlog.claims held ON held.scope = k.scope AND held.key = k.key
      WHERE k.take AND held.stream_id <> c_stream[k.command]);',
     'WHERE k.take AND (
        SELECT held.stream_id FROM eventlog.claims held WHERE held.scope = k.scope AND held.key = k.key
      ) <> c_stream[k.command]);'),
    ('LEFT JOIN eventlog.events same ON same.event_id = CASE WHEN newest.version > c.expected THEN c.first END',
     'LEFT JOIN LATERAL (
        SELECT e.position, e.version, e.recorded_at FROM eventlog.events e
        WHERE e.event_id = CASE WHEN newest.version > c.expected THEN c.first END LIMIT 1
      ) same ON true'),
    ('LEFT JOIN eventlog.idempotency_keys known ON known.key = c.key
    ) i',
     'LEFT JOIN LATERAL (
        SELECT k.key FROM eventlog.idempotency_keys k WHERE k.key = c.key LIMIT 1
      ) known ON true
    ) i'),
    ('DELETE FROM eventlog.claims held
    USING unnest(k_command, k_scope, k_key, k_take) AS k(command, scope, key, take)
    WHERE NOT k.take AND fresh[k.command]
      AND held.scope = k.scope AND held.key = k.key AND held.stream_id = c_stream[k.command];',
     'DELETE FROM eventlog.claims held WHERE held.ctid = ANY (ARRAY(
      SELECT (SELECT c.ctid FROM eventlog.claims c WHERE c.scope = k.scope AND c.key = k.key AND c.stream_id = c_stream[k.command])
      FROM unnest(k_command, k_scope, k_key, k_take) AS k(command, scope, key, take) WHERE NOT k.take AND fresh[k.command]));'),
    ('LEFT JOIN eventlog.idempotency_keys known ON v.verdict = ''replayed'' AND known.key = v.key',
     'LEFT JOIN LATERAL (
    SELECT * FROM eventlog.idempotency_keys k WHERE v.verdict = ''replayed'' AND k.key = v.key LIMIT 1
  ) known ON true')
  ) AS v (before, after) LOOP
    IF position(change.before IN definition) = 0 THEN
      RAISE EXCEPTION 'append_events is not the function that this migration knows: it has not %', change.before;
    END IF;
    definition := replace(definition, change.before, change.after);
  END LOOP;
  EXECUTE definition;
END $$;

RESET ROLE;
