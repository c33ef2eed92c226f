DROP FUNCTION eventlog.append_event;
