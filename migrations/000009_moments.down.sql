SET LOCAL ROLE usersvc_app;

UPDATE derived.user_versions SET lost_roles = '{}' WHERE lost_words IS NOT NULL AND lost_roles IS NULL;

ALTER TABLE derived.activity
  DROP CONSTRAINT activity_pkey,
  ADD PRIMARY KEY (user_id, position),
  DROP COLUMN recorded_at;

RESET ROLE;
SET LOCAL ROLE usersvc_owner;

DROP FUNCTION eventlog.place_at;

RESET ROLE;
