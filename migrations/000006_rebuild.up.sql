-- A rebuild makes tables beside those in derived, under the same names, and in the end moves them there. It does so in
-- one transaction, so this schema looks empty to everybody else.
CREATE SCHEMA rebuild AUTHORIZATION usersvc_app;

SET LOCAL ROLE usersvc_app;

-- The last rebuild of each thing that can be rebuilt, the one under way included.
CREATE TABLE derived.rebuilds (
  name        text        NOT NULL PRIMARY KEY,
  run         uuid        NOT NULL,
  state       text        NOT NULL, -- running, done, failed, cancelled
  phase       text        NOT NULL, -- what it is at, or was at last
  processed   bigint      NOT NULL DEFAULT 0, -- events
  total       bigint      NOT NULL DEFAULT 0,
  differences bigint,               -- users whose live rows were not what the log says; NULL: not compared yet
  cancel      boolean     NOT NULL DEFAULT false, -- somebody wishes it to end
  error       text,                 -- without personal data
  started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  seen_at     timestamptz NOT NULL DEFAULT clock_timestamp() -- when it last reported
);

RESET ROLE;
