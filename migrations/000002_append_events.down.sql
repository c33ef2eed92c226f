DROP FUNCTION eventlog.append_events;
