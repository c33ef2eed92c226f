-- The metadata of a command may be a list, with an object for each of its events: when a command undoes several events,
-- each of its own names another one as its cause. The door of 000002 changes where it inserts, and nowhere else.
SET LOCAL ROLE usersvc_owner;

DO $$
DECLARE
  change     record;
  definition text;
BEGIN
  FOR change IN SELECT * FROM (VALUES
    ('eventlog.append_one'::regproc,
      'e_data[i], append_one.metadata)',
      'e_data[i], CASE jsonb_typeof(append_one.metadata) WHEN ''array'' THEN append_one.metadata -> (i - 1) ELSE append_one.metadata END)'),
    ('eventlog.append_events'::regproc,
      'e.data, c_metadata[e.command]',
      'e.data, CASE jsonb_typeof(c_metadata[e.command]) WHEN ''array'' THEN c_metadata[e.command] -> (e.version - c_expected[e.command] - 1) ELSE c_metadata[e.command] END')
  ) AS v (routine, before, after) LOOP
    definition := pg_get_functiondef(change.routine);
    IF position(change.before IN definition) = 0 THEN
      RAISE EXCEPTION '% is not the function that this migration knows', change.routine;
    END IF;
    EXECUTE replace(definition, change.before, change.after);
  END LOOP;
END $$;

RESET ROLE;
