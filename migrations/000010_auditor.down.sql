SET LOCAL ROLE usersvc_app;

ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM usersvc_auditor;
REVOKE ALL ON ALL TABLES IN SCHEMA derived FROM usersvc_auditor;
REVOKE ALL ON SCHEMA derived FROM usersvc_auditor;

RESET ROLE;
SET LOCAL ROLE usersvc_owner;

REVOKE ALL ON eventlog.events, eventlog.claims FROM usersvc_auditor;
REVOKE ALL ON SCHEMA eventlog FROM usersvc_auditor;

RESET ROLE;
