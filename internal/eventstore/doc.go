// Package eventstore is the log: every event of every stream, in one order, for ever.
//
// It guarantees:
//   - Positions are 1, 2, 3 … in commit order, without gaps. A reader that has seen position n has
//     seen everything up to n, so one integer is all that a subscriber has to remember.
//   - Versions are 1, 2, 3 … in each stream, and recorded_at never goes back along positions. All
//     events of a batch carry one instant, later than that of the batch before.
//   - A [Command] is stored whole, with its claims and its idempotency record, or not at all, and
//     never without its expected version being checked.
//   - A command that was acknowledged is durable and happened once. Where the outcome of a commit was
//     not heard, the same event ids are appended again and the log answers with the first result.
//
// It does not know what a user is, and it hands out no transactions: the only one that it writes in
// is opened and closed by a single call of the function append_events (see migrations), which takes
// the lock, checks, inserts and answers in one round trip and one commit for a whole batch, or of
// append_event, which does so for a command that comes alone.
//
// The commands that arrive while a commit is under way form the next batch (group commit, as in
// DeWitt et al., "Implementation Techniques for Main Memory Database Systems", 1984). Nobody waits
// for company: a lonely command is sent at once. What has gathered may wait for those who read the log
// ([Log.Pace]).
package eventstore
