// Package projections derives rows from the log and answers queries with them: user_profiles, one row
// for each user, deleted ones included; user_versions, one for each version before, with the positions between
// which it was true; role_holders, one for each role that a user was ever given; and the ledger of activity, the
// totals of a user after each event of another domain that changed them.
//
// It guarantees:
//   - Apply folds a batch of events in the relay's transaction, which also moves the checkpoint: the
//     rows are the fold of the log up to the checkpoint, exactly. Every write is gated by version, so
//     an event that arrives twice changes nothing, and one that is missing is an error. The ledger is
//     gated by position, and kept for users that do not exist yet: their rows begin with its totals.
//   - Current is a row together with the events that it lacks, from one snapshot of the database: it
//     shows whatever was acknowledged before it was asked, however far the projection lags. Only the
//     counters of Activity follow the projection.
//   - ActivityAt is the counters at a position, and final: it waits for a projection that lags.
//   - ListAt shows what List would have shown at a position, and is final: it waits for a projection that lags.
//   - List shows rows and the position that they are at, from one snapshot, and can be made to wait
//     until that position has been reached.
//
// The rows can be thrown away: the log makes them again. Nothing is decided on them.
package projections
