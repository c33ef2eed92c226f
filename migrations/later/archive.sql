-- Not run by anybody yet. It lets closed ranges of the log move to a table of their own, which can lie on a cheaper disk, is
-- written once, and keeps the indexes that each append touches small. docs/adr/0013-closed-ranges-can-move.md says why it is
-- done so and what it costs.
--
-- Readers go on reading eventlog.events, which becomes a view of both. Run it in one transaction, while the service is stopped
-- or after it: it takes the table for a moment. The next migration behind it has to know of both tables.
SET LOCAL ROLE usersvc_owner;

ALTER TABLE eventlog.events RENAME TO recent_events;

CREATE TABLE eventlog.archived_events (LIKE eventlog.recent_events INCLUDING ALL);
CREATE TRIGGER events_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON eventlog.archived_events
  FOR EACH STATEMENT EXECUTE FUNCTION eventlog.refuse_change();
ALTER TABLE eventlog.archived_events ENABLE ALWAYS TRIGGER events_are_immutable;

CREATE VIEW eventlog.events AS
SELECT * FROM eventlog.archived_events UNION ALL SELECT * FROM eventlog.recent_events;
GRANT SELECT ON eventlog.events, eventlog.archived_events TO usersvc_app, usersvc_auditor;

-- Both doors look at both and add to the recent one. No constraint spans the two: that an id, or a version of a stream, is not
-- there already is what the doors find out under the lock, as they always have.
DO $$
DECLARE
  routine    regproc;
  definition text;
BEGIN
  FOREACH routine IN ARRAY ARRAY['eventlog.append_event'::regproc, 'eventlog.append_one'::regproc, 'eventlog.append_events'::regproc] LOOP
    definition := pg_get_functiondef(routine);
    IF position('INSERT INTO eventlog.events ' IN definition) = 0 THEN
      RAISE EXCEPTION '% is not the function that this migration knows', routine;
    END IF;
    EXECUTE replace(definition, 'INSERT INTO eventlog.events ', 'INSERT INTO eventlog.recent_events ');
  END LOOP;
END $$;

-- Moves up to so many events, the oldest ones, but not beyond a position, and returns how many. For whoever migrates: it stops
-- appends while it works, so that a few thousand at a time are enough.
CREATE FUNCTION eventlog.archive_events(through bigint, most integer) RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  last  bigint;
  moved bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(7310579); -- the lock of the doors
  SELECT max(e.position) INTO last FROM (
    SELECT r.position FROM eventlog.recent_events r WHERE r.position <= through ORDER BY r.position LIMIT most
  ) e;
  INSERT INTO eventlog.archived_events SELECT * FROM eventlog.recent_events r WHERE r.position <= last ORDER BY r.position;
  GET DIAGNOSTICS moved = ROW_COUNT;
  ALTER TABLE eventlog.recent_events DISABLE TRIGGER events_are_immutable;
  DELETE FROM eventlog.recent_events r WHERE r.position <= last;
  ALTER TABLE eventlog.recent_events ENABLE ALWAYS TRIGGER events_are_immutable;
  RETURN moved;
END $$;
REVOKE EXECUTE ON FUNCTION eventlog.archive_events FROM PUBLIC;

RESET ROLE;
SET LOCAL ROLE usersvc_app;

-- A view follows the table that it was made of, which has another name now.
CREATE OR REPLACE VIEW derived.outbox AS
  SELECT s.name AS subscription, e.position, e.recorded_at, e.stream_type, e.stream_id, e.version, e.type
  FROM derived.subscriptions s JOIN eventlog.events e ON e.position > s.checkpoint;

RESET ROLE;
