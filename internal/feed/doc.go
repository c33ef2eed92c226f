// Package feed is the log as other services read it: all events in order, now and as they come.
//
// It guarantees:
//   - A consumer that remembers one position gets each event behind it once, in order of position, and
//     none is skipped, however often it comes back and whichever replica it asks.
//   - Those who wait for events cost one query together, whenever the log may have grown, and none
//     while nobody waits.
//   - Nothing is kept for a consumer. The newest events are kept once, for all; who has fallen behind
//     them reads the log for itself. All who do have a quarter of the connections.
//   - If the log is found to end before what it had, whoever waits further on is told, and does not get other
//     events under the same positions. A log that has outgrown what it lost by then cannot be told from another.
//   - An event is shown in the newest schema of its type. One that this build cannot read is shown as
//     it is stored: the feed stands still for no event.
//
// It sends nothing by itself and knows no HTTP. A consumer that must see an event's effects only once
// remembers its position together with them. Nothing is written; no transaction is begun here.
package feed
