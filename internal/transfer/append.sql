-- Appends what is staged at the positions from first to last, as append_events would: in one round trip and one
-- commit, under its lock, with the claims. The staged rows have been checked, and so has the log before first.
CREATE FUNCTION pg_temp.append_staged(first bigint, last bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  head bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(7310579);

  -- From here each statement has a snapshot of its own, taken under the lock.
  SELECT COALESCE(max(e.position), 0) INTO head FROM eventlog.events e;
  IF head <> first - 1 THEN
    RAISE EXCEPTION 'the log has moved' USING ERRCODE = 'UL002';
  END IF;

  INSERT INTO eventlog.events (position, recorded_at, event_id, stream_id, version, schema_version, stream_type, type, data, metadata)
  SELECT s.position, s.recorded_at, s.event_id, s.stream_id, s.version, s.schema_version, s.stream_type, s.type, s.data, s.metadata
  FROM pg_temp.staged s WHERE s.position BETWEEN first AND last ORDER BY s.position;

  -- An address may pass through several hands meanwhile. What was held before goes, what is held in the end comes.
  DELETE FROM eventlog.claims held USING pg_temp.staged_claims c
  WHERE c.position BETWEEN first AND last
    AND held.scope = 'email' AND held.key = c.released AND held.stream_id = c.stream_id;

  INSERT INTO eventlog.claims (scope, key, stream_id)
  SELECT 'email', c.claim, c.stream_id FROM pg_temp.staged_claims c
  WHERE c.position BETWEEN first AND last AND c.claim <> '' AND (c.until IS NULL OR c.until > last);
END $$
