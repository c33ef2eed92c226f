-- Whatever can be made again from the log. The application owns it, so that it can rebuild it.
CREATE SCHEMA derived AUTHORIZATION usersvc_app;
SET LOCAL ROLE usersvc_app;

CREATE TABLE derived.snapshots (
  stream_id   uuid        NOT NULL,
  schema      integer     NOT NULL, -- hash of the shape of state: another build's are not ours to read
  version     integer     NOT NULL,
  position    bigint      NOT NULL, -- of the last event folded in
  recorded_at timestamptz NOT NULL, -- its time
  state       jsonb       NOT NULL,
  PRIMARY KEY (stream_id, schema, version)
);

CREATE TABLE derived.subscriptions (
  name          text        NOT NULL PRIMARY KEY,
  checkpoint    bigint      NOT NULL DEFAULT 0, -- the last position that was handled
  moved_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  failures      integer     NOT NULL DEFAULT 0, -- in a row, at the same checkpoint
  failing_since timestamptz,
  last_error    text
) WITH (fillfactor = 20); -- one hot row for each subscription: updates stay on its page

INSERT INTO derived.subscriptions (name) VALUES ('user_profiles');

-- What each subscription still has to do. The log is the outbox; nothing is copied or deleted.
CREATE VIEW derived.outbox AS
  SELECT s.name AS subscription, e.position, e.recorded_at, e.stream_type, e.stream_id, e.version, e.type
  FROM derived.subscriptions s JOIN eventlog.events e ON e.position > s.checkpoint;

CREATE TABLE derived.user_profiles (
  user_id           uuid        NOT NULL PRIMARY KEY,
  version           integer     NOT NULL, -- of the newest event folded in
  position          bigint      NOT NULL, -- its position
  activity_position bigint      NOT NULL DEFAULT 0, -- of the newest event of other domains folded in
  post_count        integer     NOT NULL DEFAULT 0,
  follower_count    integer     NOT NULL DEFAULT 0,
  created_at        timestamptz NOT NULL,
  updated_at        timestamptz NOT NULL,
  suspended_at      timestamptz,
  status            text        NOT NULL,
  email             text        NOT NULL, -- as given
  email_key         text COLLATE "C" NOT NULL, -- its canonical form
  display_name      text COLLATE "C" NOT NULL,
  first_name        text        NOT NULL,
  last_name         text        NOT NULL,
  suspension_reason text        NOT NULL,
  roles             text[]      NOT NULL,
  search            tsvector    NOT NULL  -- words of address and names, folded by the service
);
-- One index for each order of the list, the key last so that a page can start after any row.
-- None is unique: what must be unique is claimed in the log.
CREATE INDEX user_profiles_by_created_at ON derived.user_profiles (created_at, user_id);
CREATE INDEX user_profiles_by_updated_at ON derived.user_profiles (updated_at, user_id);
CREATE INDEX user_profiles_by_email ON derived.user_profiles (email_key, user_id);
CREATE INDEX user_profiles_by_display_name ON derived.user_profiles (display_name, user_id);
-- For q= and role=. Whoever fills its list of pending entries has to sort them in: with a short list that
-- takes milliseconds each time, and with the usual one of 4 MB it would hold the relay up for a third of a second.
CREATE INDEX user_profiles_by_words ON derived.user_profiles USING gin (search, roles) WITH (gin_pending_list_limit = 128);

RESET ROLE;
