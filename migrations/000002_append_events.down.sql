DROP FUNCTION eventlog.append_events;
DROP FUNCTION eventlog.append_one;
