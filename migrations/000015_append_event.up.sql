-- A narrower door, for a command that comes alone and adds one event: whoever is the only one to ask pays for arrays, and for
-- statements about nothing, in full. It adds the event, with its claims and its idempotency record, where nothing stands in the
-- way. Otherwise it adds nothing and returns no row: to say what does is for append_events, which takes any command.
SET LOCAL ROLE usersvc_owner;

CREATE FUNCTION eventlog.append_event(
  not_after timestamptz,
  c_stream uuid, c_stream_type text, c_expected integer, c_metadata jsonb,
  c_key bytea, c_fingerprint bytea, c_outcome jsonb, -- or NULLs
  e_id uuid, e_type text, e_schema integer, e_data jsonb,
  released_scope text, released_key text, taken_scope text, taken_key text -- or NULLs
) RETURNS TABLE (place bigint, at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- As in append_events: nothing is left to choose when the tables have become large.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7310579);

  -- What follows has a snapshot of its own, taken under the lock.
  IF clock_timestamp() > not_after THEN
    RAISE EXCEPTION 'append arrived too late' USING ERRCODE = 'UL001';
  END IF;

  WITH appended AS (
    INSERT INTO eventlog.events (position, recorded_at, event_id, stream_id, version, schema_version, stream_type, type, data, metadata)
    SELECT head.position + 1, GREATEST(clock_timestamp(), head.recorded_at + interval '1 microsecond'),
           e_id, c_stream, c_expected + 1, e_schema, c_stream_type, e_type, e_data, c_metadata
    FROM (SELECT e.position, e.recorded_at FROM eventlog.events e ORDER BY e.position DESC LIMIT 1) head
    WHERE c_expected = COALESCE((SELECT e.version FROM eventlog.events e WHERE e.stream_id = c_stream ORDER BY e.version DESC LIMIT 1), 0)
      AND NOT EXISTS (SELECT FROM eventlog.claims c WHERE c.scope = taken_scope AND c.key = taken_key)
      AND NOT EXISTS (SELECT FROM eventlog.idempotency_keys k WHERE k.key = c_key)
    RETURNING position, recorded_at
  ), released AS (
    DELETE FROM eventlog.claims c
    WHERE c.scope = released_scope AND c.key = released_key AND c.stream_id = c_stream AND EXISTS (SELECT FROM appended)
  ), taken AS (
    INSERT INTO eventlog.claims (scope, key, stream_id)
    SELECT taken_scope, taken_key, c_stream FROM appended WHERE taken_key IS NOT NULL
  )
  SELECT a.position, a.recorded_at INTO place, at FROM appended a;

  IF place IS NULL THEN
    RETURN;
  END IF;
  IF c_key IS NOT NULL THEN
    INSERT INTO eventlog.idempotency_keys (key, fingerprint, stream_id, version, position, outcome, recorded_at)
    VALUES (c_key, c_fingerprint, c_stream, c_expected + 1, place, c_outcome, at);
  END IF;
  RETURN NEXT;
END $$;

REVOKE ALL ON FUNCTION eventlog.append_event FROM PUBLIC;
GRANT EXECUTE ON FUNCTION eventlog.append_event TO usersvc_app;

RESET ROLE;
