DROP TABLE derived.rebuilds;
DROP SCHEMA rebuild CASCADE;
