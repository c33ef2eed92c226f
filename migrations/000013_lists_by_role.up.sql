-- Who has a role, or had it once. A row says since when: before that position the user has never had it, and after it the tables
-- of users and versions know. So lists of those with a role are found in the order of their creation, however many there are, at
-- any moment. Rows are only ever added, when a user is given a role for the first time.
SET LOCAL ROLE usersvc_app;

-- What a relay writes meanwhile would be missing. One that knows nothing of this table cannot write to user_versions afterwards.
LOCK TABLE derived.user_profiles, derived.user_versions IN SHARE ROW EXCLUSIVE MODE;

CREATE TABLE derived.role_holders (
  user_id    uuid             NOT NULL,
  role       text COLLATE "C" NOT NULL,
  created_at timestamptz      NOT NULL, -- of the user, which never changes
  position   bigint           NOT NULL, -- of the event that gave the role first
  PRIMARY KEY (user_id, role)
);
-- The position is there so that whoever had yet to be given the role is passed over in the index.
CREATE INDEX role_holders_by_created_at ON derived.role_holders (role, created_at, user_id) INCLUDE (position);

INSERT INTO derived.role_holders (user_id, role, created_at, position)
SELECT v.user_id, r.role, min(v.created_at), min(v.position)
FROM (
  SELECT user_id, created_at, position, roles FROM derived.user_profiles
  UNION ALL SELECT user_id, created_at, position, roles FROM derived.user_versions
) v CROSS JOIN unnest(v.roles) AS r (role)
GROUP BY v.user_id, r.role;

-- Which roles a version lost is not asked any more. Instead it has a bit for each of its roles: whoever has a role has its bit.
DROP INDEX derived.user_versions_lost;
DROP INDEX derived.user_versions_by_updated_at;
DROP INDEX derived.user_versions_by_email;
DROP INDEX derived.user_versions_by_display_name;
ALTER TABLE derived.user_versions DROP COLUMN lost_roles, ADD COLUMN role_bits bigint NOT NULL DEFAULT 0;
ALTER TABLE derived.user_versions ALTER COLUMN role_bits DROP DEFAULT;
UPDATE derived.user_versions v SET
  lost_words = NULLIF(v.lost_words, ''),
  role_bits = COALESCE((SELECT bit_or(1::bigint << (get_byte(sha256(convert_to(r.role, 'UTF8')), 0) & 63)) FROM unnest(v.roles) AS r (role)), 0)
WHERE v.lost_words = '' OR v.roles <> '{}';
CREATE INDEX user_versions_lost ON derived.user_versions USING gin (lost_words) WITH (gin_pending_list_limit = 128) WHERE lost_words IS NOT NULL;

-- In these orders most of those who are passed over have not got the role. That is seen in the index now, and spares a page of the
-- table for each of them. The roles themselves may be too long for an index.
CREATE INDEX user_versions_by_updated_at ON derived.user_versions (updated_at, user_id, position, until, status) INCLUDE (role_bits) WHERE until - position >= 1000;
CREATE INDEX user_versions_by_email ON derived.user_versions (email_key, user_id, position, until, status) INCLUDE (role_bits) WHERE until - position >= 1000;
CREATE INDEX user_versions_by_display_name ON derived.user_versions (display_name, user_id, position, until, status) INCLUDE (role_bits) WHERE until - position >= 1000;

RESET ROLE;
