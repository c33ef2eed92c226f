// Package safeguard names what keeps the service's promises, so that each can be taken away, to show that the
// check that is there for it then fails (see the package torture).
//
// That is possible in a build with the tag teeth alone: there the variable USERSVC_TEETH names the safeguard
// that is removed. In every other build [Removed] is a constant false, and what hangs on it is not compiled.
package safeguard

// The safeguards.
const (
	Settlement     = "settlement"      // an append whose outcome is unknown is sent again, and not called a failure
	Durability     = "durability"      // a commit waits for the disk
	AppendLock     = "append lock"     // one append after the other: positions are in the order of commits
	Tail           = "tail"            // a read by id adds the events that the projection lacks
	MinPosition    = "min position"    // a list waits for the position that was asked for
	Drain          = "drain"           // the end waits for the requests under way
	OneTransaction = "one transaction" // effects and checkpoint are committed together
	Turns          = "turns"           // one replica at a time works a subscription, and no version is written twice
	Parking        = "parking"         // an event that fails is put aside
	Deadlines      = "deadlines"       // a request that takes too long is given up
	Finality       = "finality"        // a read of a moment just past waits for appends that may still be given it
	OrderOfTimes   = "order of times"  // an event is later than the one before, whatever the clock says
	Versions       = "versions"        // what users were is kept
	Tidying        = "tidying"         // what a killed rebuild has committed is dropped
	HandOver       = "hand-over"       // rows that are rebuilt have the last events, and take over with their checkpoint
)

// With returns the one value, and the other where the safeguard has been removed.
func With[T any](name string, kept, removed T) T {
	if Removed(name) {
		return removed
	}
	return kept
}
