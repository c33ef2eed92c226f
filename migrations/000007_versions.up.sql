-- What users were. A row of user_profiles shows the newest version of a user; each version before it is a row here, true
-- from its position until that of the next one. Rows are only ever added, when a version is superseded.
SET LOCAL ROLE usersvc_app;

CREATE TABLE derived.user_versions (
  user_id           uuid        NOT NULL,
  version           integer     NOT NULL,
  position          bigint      NOT NULL, -- true from here
  until             bigint      NOT NULL, -- to before here
  created_at        timestamptz NOT NULL,
  updated_at        timestamptz NOT NULL,
  suspended_at      timestamptz,
  status            text        NOT NULL,
  email             text        NOT NULL,
  email_key         text COLLATE "C" NOT NULL,
  display_name      text COLLATE "C" NOT NULL,
  first_name        text        NOT NULL,
  last_name         text        NOT NULL,
  suspension_reason text        NOT NULL,
  roles             text[]      NOT NULL,
  search            tsvector    NOT NULL,
  lost_words        tsvector,             -- of search and of roles: what the next version has not, if there is anything
  lost_roles        text[],
  PRIMARY KEY (user_id, position) -- what a user was at a position
);
-- A version that was true for less than a thousand positions is brief. At most a thousand brief ones can be true at a
-- position, and they began in the thousand before it: this index finds them.
CREATE INDEX user_versions_brief ON derived.user_versions (position, until) WHERE until - position < 1000;
-- The others, one index for each order of the list. A user who changes all the time has few that are not brief, so that
-- nobody has to be read past. The range and the status are keys, because then they are checked in the index.
CREATE INDEX user_versions_by_created_at ON derived.user_versions (created_at, user_id, position, until, status) WHERE until - position >= 1000;
CREATE INDEX user_versions_by_updated_at ON derived.user_versions (updated_at, user_id, position, until, status) WHERE until - position >= 1000;
CREATE INDEX user_versions_by_email ON derived.user_versions (email_key, user_id, position, until, status) WHERE until - position >= 1000;
CREATE INDEX user_versions_by_display_name ON derived.user_versions (display_name, user_id, position, until, status) WHERE until - position >= 1000;
-- For q= and role=: who had a word or a role then has it today, or lost it later.
CREATE INDEX user_versions_lost ON derived.user_versions USING gin (lost_words, lost_roles) WITH (gin_pending_list_limit = 128) WHERE lost_words IS NOT NULL;

-- Users from before this migration have no past until the projection is rebuilt. The comment says so; it goes with the table.
DO $$
BEGIN
  IF EXISTS (SELECT FROM derived.user_profiles) THEN
    COMMENT ON TABLE derived.user_versions IS 'incomplete until user_profiles is rebuilt';
  END IF;
END $$;

RESET ROLE;
