// Package outbox drives subscriptions: named readers of the log, each with a handler and a checkpoint.
//
// The log is the outbox. What a subscription has not had yet is what lies behind its checkpoint; the
// view derived.outbox shows it. Nothing is copied, marked or deleted.
//
// It guarantees:
//   - A handler sees every event once, in order of position: its writes and the checkpoint commit in
//     one transaction, which the relay opens and closes. (A crash of the database may lose the newest
//     such transactions, effects and checkpoint together, and the log repeats them: they are committed
//     with synchronous_commit off, so that no projection ever makes a command wait for the disk.)
//   - Of several replicas one at a time works a subscription, batch by batch: whoever gets its row.
//   - An event that the handler fails for is parked, together with the later events about the same
//     user: its dead letters, the effects of the rest of the batch and the checkpoint commit together. It
//     is tried again with back-off, each user's events in their order, until it succeeds, or is skipped by a
//     named person. No event is ever passed over otherwise, and nobody else waits for it.
//   - When more would be parked than the limit allows, the subscription stands still instead, and says so. What is parked is
//     tried again all the while, and it goes on when there is room.
//   - When the database itself fails, nothing is parked: the relay waits for it.
//   - A relay that falls behind says how long appends should wait for it ([Relay.Pace]), never longer than is hardly noticed.
//
// Effects outside the database are not covered by the transaction: none are allowed in a handler.
package outbox
