-- The only door into the log. One call appends a batch of commands and answers each of them.
--
-- Per command (c_…, one element each): stream, stream type, expected version, metadata, its number of
-- events and the id of the first, and an idempotency key with fingerprint and outcome, or NULLs.
-- Per event (e_…, in the order of the commands): its command (from 1), id, version, type, schema
-- version, data. Per claim (k_…): its command, scope, key, and whether it is taken (else released), those
-- that are released first.
-- No two commands of a batch may touch the same stream, claim or key.
--
-- Verdicts: appended · repeated (these events are in the log: the original answer) · replayed (the
-- idempotency key is known: its record) · conflict (version is the stream's real one) · claimed.
SET LOCAL ROLE usersvc_owner;

-- A batch of one command: the same checks in the same order as append_events, without the price of
-- working on sets, which a lonely client would pay in full. Called by append_events, under its lock.
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
    VALUES (head + i, at, e_id[i], stream, expected + i, e_schema[i], append_one.stream_type, e_type[i], e_data[i], append_one.metadata);
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

CREATE FUNCTION eventlog.append_events(
  not_after timestamptz,
  c_stream uuid[], c_stream_type text[], c_expected integer[], c_metadata jsonb[], c_count integer[], c_first uuid[],
  c_key bytea[], c_fingerprint bytea[], c_outcome jsonb[],
  e_command integer[], e_id uuid[], e_version integer[], e_type text[], e_schema integer[], e_data jsonb[],
  k_command integer[], k_scope text[], k_key text[], k_take boolean[]
) RETURNS TABLE (verdict text, version integer, "position" bigint, recorded_at timestamptz,
                 stream_id uuid, fingerprint bytea, outcome jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- Every lookup below is a few index probes. A plan made while the tables were small must not turn
-- into scans of a large log, so the choice is taken away.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  head     bigint;
  head_at  timestamptz;
  batch_at timestamptz;
  denied   integer[]; -- commands whose wanted claim another stream holds
  verdicts text[];
  fresh    boolean[]; -- verdicts[i] = 'appended'
  versions integer[];
  places   bigint[];
  times    timestamptz[];
BEGIN
  -- All arguments have arrived, so no client, however slow, can sit on this lock.
  PERFORM pg_advisory_xact_lock(7310579);

  -- From here each statement has a snapshot of its own, taken under the lock: it sees whatever the
  -- holders before us committed. (The snapshot of the calling statement is older than the wait.)
  IF clock_timestamp() > not_after THEN
    RAISE EXCEPTION 'append arrived too late' USING ERRCODE = 'UL001';
  END IF;

  SELECT e.position, e.recorded_at INTO head, head_at FROM eventlog.events e ORDER BY e.position DESC LIMIT 1;
  head := COALESCE(head, 0);
  -- One instant for the batch, later than that of the batch before: an instant never splits.
  batch_at := GREATEST(clock_timestamp(), head_at + interval '1 microsecond');

  IF cardinality(c_stream) = 1 THEN
    RETURN QUERY SELECT * FROM eventlog.append_one(head, batch_at,
      c_stream[1], c_stream_type[1], c_expected[1], c_metadata[1], c_count[1], c_key[1], c_fingerprint[1], c_outcome[1],
      e_id, e_type, e_schema, e_data, k_scope, k_key, k_take);
    RETURN;
  END IF;

  IF cardinality(k_command) > 0 THEN
    denied := ARRAY(
      SELECT k.command FROM unnest(k_command, k_scope, k_key, k_take) AS k(command, scope, key, take)
      JOIN eventlog.claims held ON held.scope = k.scope AND held.key = k.key
      WHERE k.take AND held.stream_id <> c_stream[k.command]);
  END IF;

  SELECT array_agg(j.verdict), array_agg(j.verdict = 'appended'), array_agg(j.version), array_agg(j.place), array_agg(j.at)
  INTO verdicts, fresh, versions, places, times
  FROM (
    SELECT i.n, i.verdict,
      CASE i.verdict WHEN 'appended' THEN i.expected + i.count
                     WHEN 'repeated' THEN i.same_version + i.count - 1
                     WHEN 'conflict' THEN i.current END AS version,
      CASE i.verdict WHEN 'appended' THEN head + sum(i.count) FILTER (WHERE i.verdict = 'appended') OVER (ORDER BY i.n)
                     WHEN 'repeated' THEN i.same_place + i.count - 1 END AS place,
      CASE i.verdict WHEN 'appended' THEN batch_at WHEN 'repeated' THEN i.same_at END AS at
    FROM (
      SELECT c.n, c.expected, c.count, COALESCE(newest.version, 0) AS current,
        same.version AS same_version, same.position AS same_place, same.recorded_at AS same_at,
        CASE WHEN same.position IS NOT NULL THEN 'repeated'
             WHEN known.key IS NOT NULL THEN 'replayed'
             WHEN COALESCE(newest.version, 0) <> c.expected THEN 'conflict'
             WHEN c.n = ANY (denied) THEN 'claimed'
             ELSE 'appended' END AS verdict
      FROM unnest(c_stream, c_expected, c_count, c_first, c_key) WITH ORDINALITY AS c(stream, expected, count, first, key, n)
      LEFT JOIN LATERAL (
        SELECT e.version FROM eventlog.events e WHERE e.stream_id = c.stream ORDER BY e.version DESC LIMIT 1
      ) newest ON true
      -- These very events can only be there if the stream has left the expected version behind.
      LEFT JOIN eventlog.events same ON same.event_id = CASE WHEN newest.version > c.expected THEN c.first END
      LEFT JOIN eventlog.idempotency_keys known ON known.key = c.key
    ) i
    ORDER BY i.n -- once, and not in each of the aggregates
  ) j;

  INSERT INTO eventlog.events (position, recorded_at, event_id, stream_id, version, schema_version, stream_type, type, data, metadata)
  SELECT head + row_number() OVER (ORDER BY e.n), batch_at, e.id, c_stream[e.command], e.version, e.schema,
         c_stream_type[e.command], e.type, e.data, c_metadata[e.command]
  FROM unnest(e_command, e_id, e_version, e_type, e_schema, e_data) WITH ORDINALITY AS e(command, id, version, type, schema, data, n)
  WHERE fresh[e.command] ORDER BY e.n;

  IF cardinality(k_command) > 0 THEN
    -- Two statements: within one, whether the release or the taking comes first would be chance.
    DELETE FROM eventlog.claims held
    USING unnest(k_command, k_scope, k_key, k_take) AS k(command, scope, key, take)
    WHERE NOT k.take AND fresh[k.command]
      AND held.scope = k.scope AND held.key = k.key AND held.stream_id = c_stream[k.command];

    INSERT INTO eventlog.claims (scope, key, stream_id)
    SELECT k.scope, k.key, c_stream[k.command]
    FROM unnest(k_command, k_scope, k_key, k_take) AS k(command, scope, key, take)
    WHERE k.take AND fresh[k.command];
  END IF;

  IF cardinality(array_remove(c_key, NULL)) > 0 THEN
    INSERT INTO eventlog.idempotency_keys (key, fingerprint, stream_id, version, position, outcome, recorded_at)
    SELECT c.key, c.fingerprint, c.stream, versions[c.n],
           -- A command that changed nothing answers with the event that was newest.
           COALESCE((SELECT e.position FROM eventlog.events e WHERE e.stream_id = c.stream AND e.version = versions[c.n]), 0),
           c.outcome, batch_at
    FROM unnest(c_stream, c_key, c_fingerprint, c_outcome) WITH ORDINALITY AS c(stream, key, fingerprint, outcome, n)
    WHERE c.key IS NOT NULL AND fresh[c.n];
  END IF;

  RETURN QUERY
  SELECT v.verdict, COALESCE(v.version, known.version), COALESCE(v.place, known.position), COALESCE(v.at, known.recorded_at),
         known.stream_id, known.fingerprint, known.outcome
  FROM unnest(verdicts, versions, places, times, c_key) WITH ORDINALITY AS v(verdict, version, place, at, key, n)
  LEFT JOIN eventlog.idempotency_keys known ON v.verdict = 'replayed' AND known.key = v.key
  ORDER BY v.n;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA eventlog FROM PUBLIC;
GRANT USAGE ON SCHEMA eventlog TO usersvc_app;
GRANT SELECT ON eventlog.events, eventlog.claims, eventlog.idempotency_keys TO usersvc_app;
GRANT EXECUTE ON FUNCTION eventlog.append_events, eventlog.await_appends, eventlog.cursor_key, eventlog.forget_idempotency_keys TO usersvc_app;

RESET ROLE;
