// Package rebuild makes derived tables again from the log, beside the live ones, and then puts them in
// their place. Readers and writers notice nothing.
//
// It guarantees:
//   - If a rebuild fails, is cancelled, or its process dies, the live tables are what they were: one
//     transaction lasts from its beginning to the switch, and the database sees to that.
//   - Two rebuilds of the same thing never run at once, in whatever replicas: the transaction holds an
//     advisory lock. A process that freezes loses it, with the transaction, after half a minute.
//   - While nobody writes, another transaction makes the largest table, and commits it before the switch. If
//     that never comes, the table is dropped by whoever has the lock next: a rebuild, or a service that starts.
//   - The new rows are the fold of the log up to the subscription's checkpoint, as Apply makes them; what
//     fails is parked, and what was given up is passed over. They have been compared with the live rows at
//     the same position before they take their place, with the checkpoint and the dead letters.
//   - A subscription that is far behind, as after an import, is held meanwhile and taken to the end of the log.
//   - Memory does not grow with the log nor with the number of users: PostgreSQL sorts the events by user,
//     and users are folded one at a time.
//
// What it costs: up to five connections, and until it ends PostgreSQL cannot clean up rows that die meanwhile, in any table. Whoever
// else reads the live tables by their identity, as a view does, keeps them from being replaced.
package rebuild
