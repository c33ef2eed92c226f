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
	pg.rewriteAppend(map[string]string{
		"PERFORM pg_advisory_xact_lock(7310579);": "",
		"head := COALESCE(head, 0);":              "head := (SELECT min(nextval('torture.positions')) - 1 FROM generate_series(1, cardinality(e_id)));",
	})
}

// removeOrderOfTimes has events take the time of the clock, whatever it says.
func (pg *postgres) removeOrderOfTimes() {
	if safeguard.Removed(safeguard.OrderOfTimes) {
		pg.t.Helper()
		pg.rewriteAppend(map[string]string{"GREATEST(clock_timestamp(), head_at + interval '1 microsecond')": "clock_timestamp()"})
	}
}

func (pg *postgres) rewriteAppend(changes map[string]string) {
	pg.t.Helper()
	var function string
	if err := pg.admin.QueryRow(pg.t.Context(), "SELECT pg_get_functiondef('eventlog.append_events'::regproc)").Scan(&function); err != nil {
		pg.t.Fatal(err)
	}
	for safe, unsafe := range changes {
		if !strings.Contains(function, safe) {
			pg.t.Fatalf("append_events does not hold %q", safe)
		}
		function = strings.Replace(function, safe, unsafe, 1)
	}
	pg.exec(function)
}
