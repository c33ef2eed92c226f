-- The log, its claims and its keys. One schema, owned by a role that cannot log in; the application
-- may read it and may add to it through append_events() alone.

-- Roles belong to the whole cluster, so another database, or another replica, may have made them.
DO $$
DECLARE
  -- From PostgreSQL 16 on, whoever makes a role may hand it out, but not act as it without a grant.
  may_act text := CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'usersvc_owner') THEN
    CREATE ROLE usersvc_owner NOLOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'usersvc_app') THEN
    CREATE ROLE usersvc_app NOLOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'usersvc') THEN
    CREATE ROLE usersvc LOGIN; -- no password: usable where the operator, or a private socket, lets it in
  END IF;
  IF NOT pg_has_role('usersvc', 'usersvc_app', 'MEMBER') THEN
    GRANT usersvc_app TO usersvc;
  END IF;
  IF NOT pg_has_role(current_user, 'usersvc_owner', may_act) THEN
    EXECUTE format('GRANT usersvc_owner TO %I', current_user);
  END IF;
  IF NOT pg_has_role(current_user, 'usersvc_app', may_act) THEN
    EXECUTE format('GRANT usersvc_app TO %I', current_user);
  END IF;
EXCEPTION
  WHEN duplicate_object OR unique_violation THEN
    RAISE EXCEPTION 'roles are being made by another migration' USING ERRCODE = 'serialization_failure';
  WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'the migrating role % may not create roles', current_user
      USING ERRCODE = 'insufficient_privilege',
            HINT = format('run once as an administrator: CREATE ROLE usersvc_owner NOLOGIN; CREATE ROLE usersvc_app NOLOGIN; '
                          'CREATE ROLE usersvc LOGIN; GRANT usersvc_app TO usersvc; GRANT usersvc_owner, usersvc_app TO %I;', current_user);
END $$;

-- Limits for every session of the service, and how it plans. A group role hands down no settings, so they stand on
-- the login role; another login role needs the same lines (docs/configuration.md has them).
DO $$
DECLARE
  setting text[];
BEGIN
  IF EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole WHERE r.rolname = 'usersvc') THEN
    RETURN; -- the operator's own values stay
  END IF;
  FOREACH setting SLICE 1 IN ARRAY ARRAY[
    ['statement_timeout', '15s'],
    ['lock_timeout', '4s'],
    ['idle_in_transaction_session_timeout', '5s'],
    ['client_connection_check_interval', '2s'], -- Linux servers only
    ['transaction_timeout', '60s'],             -- PostgreSQL 17 and newer
    -- Every query of the service has an index. A plan that was made and kept while the tables were
    -- small must not turn into scans of large ones, as it would until statistics are gathered.
    ['enable_seqscan', 'off'],
    ['jit', 'off']
  ] LOOP
    BEGIN
      EXECUTE format('ALTER ROLE usersvc SET %I = %L', setting[1], setting[2]);
    EXCEPTION
      WHEN undefined_object OR invalid_parameter_value OR insufficient_privilege THEN
        RAISE NOTICE 'ALTER ROLE usersvc SET % was refused: %', setting[1], SQLERRM;
    END;
  END LOOP;
END $$;

CREATE SCHEMA eventlog AUTHORIZATION usersvc_owner;
SET LOCAL ROLE usersvc_owner;

CREATE TABLE eventlog.events (
  position       bigint      NOT NULL, -- 1, 2, 3 … in commit order, without gaps
  recorded_at    timestamptz NOT NULL, -- the instant of the batch; never goes back along position
  event_id       uuid        NOT NULL,
  stream_id      uuid        NOT NULL,
  version        integer     NOT NULL, -- 1, 2, 3 … in the stream
  schema_version smallint    NOT NULL, -- of data
  stream_type    text        NOT NULL,
  type           text        NOT NULL,
  data           jsonb       NOT NULL,
  metadata       jsonb       NOT NULL,
  PRIMARY KEY (position),
  UNIQUE (event_id),          -- what settles an append whose outcome nobody heard
  UNIQUE (stream_id, version) -- loading a stream, and the last word on two writers
);

CREATE TABLE eventlog.claims (
  scope     text COLLATE "C" NOT NULL,
  key       text COLLATE "C" NOT NULL,
  stream_id uuid             NOT NULL,
  PRIMARY KEY (scope, key)
);

CREATE TABLE eventlog.idempotency_keys (
  key         bytea       NOT NULL PRIMARY KEY, -- hash of caller and key: neither is kept
  fingerprint bytea       NOT NULL,             -- hash of the request
  stream_id   uuid        NOT NULL,
  version     integer     NOT NULL,             -- the stream's version after the command
  position    bigint      NOT NULL,             -- of the stream's newest event then
  outcome     jsonb       NOT NULL,             -- whatever else the caller needs to answer again
  recorded_at timestamptz NOT NULL
);
CREATE INDEX ON eventlog.idempotency_keys (recorded_at); -- forgetting the old ones

CREATE TABLE eventlog.secrets (
  name  text  NOT NULL PRIMARY KEY,
  value bytea NOT NULL
);
-- Two random UUIDs hold 244 random bits: enough for an AES-256 key, and no extension is needed.
INSERT INTO eventlog.secrets VALUES
  ('cursor', decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));

CREATE FUNCTION eventlog.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'events are immutable: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER events_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON eventlog.events
  FOR EACH STATEMENT EXECUTE FUNCTION eventlog.refuse_change();
ALTER TABLE eventlog.events ENABLE ALWAYS TRIGGER events_are_immutable; -- also under session_replication_role

-- Waits until no append is in flight. To be run in a statement of its own, before the one that reads.
CREATE FUNCTION eventlog.await_appends() RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS 'SELECT pg_advisory_xact_lock_shared(7310579)';

CREATE FUNCTION eventlog.cursor_key() RETURNS bytea LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS 'SELECT value FROM eventlog.secrets WHERE name = ''cursor''';

-- Forgets at most a thousand keys older than the 24 hours that callers were promised.
CREATE FUNCTION eventlog.forget_idempotency_keys() RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS $$
    WITH old AS (
      SELECT key FROM eventlog.idempotency_keys
      WHERE recorded_at < clock_timestamp() - interval '25 hours' ORDER BY recorded_at LIMIT 1000
    ), gone AS (
      DELETE FROM eventlog.idempotency_keys k USING old WHERE k.key = old.key RETURNING 1
    )
    SELECT count(*) FROM gone
  $$;

RESET ROLE;
