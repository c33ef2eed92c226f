SET LOCAL ROLE usersvc_app;

DROP INDEX derived.user_versions_by_updated_at;
DROP INDEX derived.user_versions_by_email;
DROP INDEX derived.user_versions_by_display_name;
CREATE INDEX user_versions_by_updated_at ON derived.user_versions (updated_at, user_id, position, until, status) WHERE until - position >= 1000;
CREATE INDEX user_versions_by_email ON derived.user_versions (email_key, user_id, position, until, status) WHERE until - position >= 1000;
CREATE INDEX user_versions_by_display_name ON derived.user_versions (display_name, user_id, position, until, status) WHERE until - position >= 1000;

DROP INDEX derived.user_versions_lost;
ALTER TABLE derived.user_versions DROP COLUMN role_bits, ADD COLUMN lost_roles text[];
WITH next AS (
  SELECT user_id, position, roles FROM derived.user_profiles
  UNION ALL SELECT user_id, position, roles FROM derived.user_versions
), lost AS (
  SELECT v.user_id, v.position, array_agg(r.role ORDER BY r.role COLLATE "C") AS roles
  FROM derived.user_versions v JOIN next n ON n.user_id = v.user_id AND n.position = v.until CROSS JOIN unnest(v.roles) AS r (role)
  WHERE r.role <> ALL (n.roles)
  GROUP BY v.user_id, v.position
)
UPDATE derived.user_versions v SET lost_roles = l.roles, lost_words = COALESCE(v.lost_words, '')
FROM lost l WHERE l.user_id = v.user_id AND l.position = v.position;
CREATE INDEX user_versions_lost ON derived.user_versions USING gin (lost_words, lost_roles) WITH (gin_pending_list_limit = 128) WHERE lost_words IS NOT NULL;

DROP TABLE derived.role_holders;

RESET ROLE;
