// Package verify checks that the log is whole and that whatever is derived from it is what it says.
//
// It guarantees:
//   - All is checked in one snapshot of the database: writers go on meanwhile, and no difference is due to
//     them. Nothing is changed, and nobody is kept waiting.
//   - Rows, claims and snapshots are compared with those that a replay of the log makes, all columns of
//     them. Users who are parked are left out: their rows are known to lack something.
//   - Memory depends neither on the log nor on the number of users: PostgreSQL sorts the events by user, and
//     holds what the replay makes in tables of its own that end with the check.
//
// Users with an event that this build does not know cannot be replayed. They are counted and left out.
//
// Repair makes again what is derived: projections, with their place in the log, and snapshots by a rebuild,
// claims under the lock of the log. What is wrong with the log itself it leaves alone; a backup has to mend that.
package verify
