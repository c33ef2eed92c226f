//go:build unix

package pgtest

import (
	"strconv"
	"testing"
)

// LoseEvents has the log end at a position, as it does on a standby that lacks the newest events.
func (d Database) LoseEvents(tb testing.TB, behind int64) {
	tb.Helper()
	d.execute(tb, `
ALTER TABLE eventlog.events DISABLE TRIGGER events_are_immutable;
DELETE FROM eventlog.events WHERE position > `+strconv.FormatInt(behind, 10)+`;
ALTER TABLE eventlog.events ENABLE ALWAYS TRIGGER events_are_immutable`)
}
