DROP INDEX eventlog.events_of_activity;
DROP TABLE derived.activity;
