// Package activity takes in events of other domains: posts, followers. Each becomes a stream of its own
// in the log, and what they add up to is counted by package projections.
//
// It guarantees:
//   - An event is kept once, however often and to however many replicas it is sent: its source and its
//     id make the id of its stream, and the log lets a stream begin once. Where a user has that id, the
//     stream has the next one that no user has.
//   - Events that are sent together stand in the log in the order in which they were sent, but for those
//     that a user was in the way of. Once one could not be handed to the log for want of time or room,
//     none behind it is.
//   - Each event has a result of its own. One that fails takes no other with it.
//
// It does not ask whether the user exists, and does not compare what is sent twice: the first that was
// kept under a name counts. Transactions are the log's own; none is begun here.
package activity
