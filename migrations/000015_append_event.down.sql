-- A command that comes alone goes through append_events again, which has append_one for it.
SET LOCAL ROLE usersvc_owner;

CREATE FUNCTION eventlog.append_one(
  head bigint, at timestamptz,
  stream uuid, stream_type text, expected integer, metadata jsonb, count integer,
  key bytea, fingerprint bytea, outcome jsonb,
  e_id uuid[], e_type text[], e_schema integer[], e_data jsonb[],
  k_scope text[], k_key text[], k_take boolean[]
) RETURNS TABLE (r_verdict text, r_version integer, r_position bigint, r_recorded_at timestamptz,
                 r_stream_id uuid, r_fingerprint bytea, r_outcome jsonb)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  current integer := COALESCE((SELECT e.version FROM eventlog.events e WHERE e.stream_id = stream ORDER BY e.version DESC LIMIT 1), 0);
BEGIN
  IF current > expected THEN
    RETURN QUERY SELECT 'repeated', e.version + count - 1, e.position + count - 1, e.recorded_at, NULL::uuid, NULL::bytea, NULL::jsonb
      FROM eventlog.events e WHERE e.event_id = e_id[1];
    IF FOUND THEN RETURN; END IF;
  END IF;
  IF key IS NOT NULL THEN
    RETURN QUERY SELECT 'replayed', k.version, k.position, k.recorded_at, k.stream_id, k.fingerprint, k.outcome
      FROM eventlog.idempotency_keys k WHERE k.key = append_one.key;
    IF FOUND THEN RETURN; END IF;
  END IF;
  IF current <> expected THEN
    RETURN QUERY SELECT 'conflict', current, NULL::bigint, NULL::timestamptz, NULL::uuid, NULL::bytea, NULL::jsonb;
    RETURN;
  END IF;
  FOR i IN 1 .. COALESCE(cardinality(k_scope), 0) LOOP
    IF k_take[i] AND EXISTS (SELECT FROM eventlog.claims c WHERE c.scope = k_scope[i] AND c.key = k_key[i] AND c.stream_id <> stream) THEN
      RETURN QUERY SELECT 'claimed', NULL::integer, NULL::bigint, NULL::timestamptz, NULL::uuid, NULL::bytea, NULL::jsonb;
      RETURN;
    END IF;
  END LOOP;

  FOR i IN 1 .. count LOOP
    INSERT INTO eventlog.events (position, recorded_at, event_id, stream_id, version, schema_version, stream_type, type, data, metadata)
    VALUES (head + i, at, e_id[i], stream, expected + i, e_schema[i], append_one.stream_type, e_type[i], e_data[i], CASE jsonb_typeof(append_one.metadata) WHEN 'array' THEN append_one.metadata -> (i - 1) ELSE append_one.metadata END);
  END LOOP;
  FOR i IN 1 .. COALESCE(cardinality(k_scope), 0) LOOP -- what is released comes before what is taken
    IF k_take[i] THEN
      INSERT INTO eventlog.claims (scope, key, stream_id) VALUES (k_scope[i], k_key[i], stream);
    ELSE
      DELETE FROM eventlog.claims c WHERE c.scope = k_scope[i] AND c.key = k_key[i] AND c.stream_id = stream;
    END IF;
  END LOOP;
  IF key IS NOT NULL THEN
    INSERT INTO eventlog.idempotency_keys (key, fingerprint, stream_id, version, position, outcome, recorded_at)
    VALUES (append_one.key, append_one.fingerprint, stream, expected + count,
            COALESCE((SELECT e.position FROM eventlog.events e WHERE e.stream_id = stream AND e.version = expected + count), 0),
            append_one.outcome, at);
  END IF;
  RETURN QUERY SELECT 'appended', expected + count, head + count, at, NULL::uuid, NULL::bytea, NULL::jsonb;
END $$;

REVOKE ALL ON FUNCTION eventlog.append_one FROM PUBLIC;

DO $$
DECLARE
  after      text := '
  IF cardinality(c_stream) = 1 THEN
    RETURN QUERY SELECT * FROM eventlog.append_one(head, batch_at,
      c_stream[1], c_stream_type[1], c_expected[1], c_metadata[1], c_count[1], c_key[1], c_fingerprint[1], c_outcome[1],
      e_id, e_type, e_schema, e_data, k_scope, k_key, k_take);
    RETURN;
  END IF;
';
  behind     text := 'batch_at := GREATEST(clock_timestamp(), head_at + interval ''1 microsecond'');
';
  definition text := pg_get_functiondef('eventlog.append_events'::regproc);
BEGIN
  IF position(behind IN definition) = 0 THEN
    RAISE EXCEPTION 'append_events is not the function that this migration knows';
  END IF;
  EXECUTE replace(definition, behind, behind || after);
END $$;

DROP FUNCTION eventlog.append_event;

RESET ROLE;
