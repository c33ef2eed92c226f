-- Whoever may see everything and change nothing. A login role is made a member of it.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'usersvc_auditor') THEN
    CREATE ROLE usersvc_auditor NOLOGIN;
  END IF;
EXCEPTION
  WHEN duplicate_object OR unique_violation THEN
    RAISE EXCEPTION 'roles are being made by another migration' USING ERRCODE = 'serialization_failure';
  WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'the migrating role % may not create roles', current_user
      USING ERRCODE = 'insufficient_privilege', HINT = 'run once as an administrator: CREATE ROLE usersvc_auditor NOLOGIN;';
END $$;

SET LOCAL ROLE usersvc_owner;

GRANT USAGE ON SCHEMA eventlog TO usersvc_auditor;
GRANT SELECT ON eventlog.events, eventlog.claims TO usersvc_auditor;

RESET ROLE;
SET LOCAL ROLE usersvc_app;

-- Also on the tables that a rebuild makes.
GRANT USAGE ON SCHEMA derived TO usersvc_auditor;
GRANT SELECT ON ALL TABLES IN SCHEMA derived TO usersvc_auditor;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO usersvc_auditor;

RESET ROLE;
