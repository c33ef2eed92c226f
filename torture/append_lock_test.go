package torture

import (
	"strings"

	"github.com/usersvc/usersvc/internal/safeguard"
)

const makeSequence = `
CREATE SCHEMA torture;
CREATE SEQUENCE torture.positions;
GRANT USAGE ON SCHEMA torture TO usersvc_owner;
GRANT USAGE ON SEQUENCE torture.positions TO usersvc_owner`

// removeAppendLock gives positions out as a bare sequence does, and without the lock, if that safeguard is to be
// removed. It is the database's and not the service's, so it is removed there.
func (pg *postgres) removeAppendLock() {
	if !safeguard.Removed(safeguard.AppendLock) {
		return
	}
	pg.t.Helper()
	pg.exec(makeSequence)
	const lock = "PERFORM pg_advisory_xact_lock(7310579);"
	pg.rewrite("append_events", map[string]string{
		lock:                         "",
		"head := COALESCE(head, 0);": "head := (SELECT min(nextval('torture.positions')) - 1 FROM generate_series(1, cardinality(e_id)));",
	})
	pg.rewrite("append_event", map[string]string{lock: "", "head.position + 1": "nextval('torture.positions')"})
}

// removeOrderOfTimes has events take the time of the clock, whatever it says.
func (pg *postgres) removeOrderOfTimes() {
	if !safeguard.Removed(safeguard.OrderOfTimes) {
		return
	}
	pg.t.Helper()
	pg.rewrite("append_events", map[string]string{"GREATEST(clock_timestamp(), head_at + interval '1 microsecond')": "clock_timestamp()"})
	pg.rewrite("append_event", map[string]string{"GREATEST(clock_timestamp(), head.recorded_at + interval '1 microsecond')": "clock_timestamp()"})
}

func (pg *postgres) rewrite(door string, changes map[string]string) {
	pg.t.Helper()
	var function string
	if err := pg.admin.QueryRow(pg.t.Context(), "SELECT pg_get_functiondef($1::regproc)", "eventlog."+door).Scan(&function); err != nil {
		pg.t.Fatal(err)
	}
	for safe, unsafe := range changes {
		if !strings.Contains(function, safe) {
			pg.t.Fatalf("%s does not hold %q", door, safe)
		}
		function = strings.Replace(function, safe, unsafe, 1)
	}
	pg.exec(function)
}
