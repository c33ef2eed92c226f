// Package users is what can be done with users: the one place where a decision meets the log.
//
// It guarantees:
//   - Execute decides a command on the user as it is and appends what was decided, expecting just that
//     version. A cached user may only lead to an append, which checks it: a refusal, or "nothing to
//     do", is decided again on a fresh load before anyone is told.
//   - A race that was lost is decided again, never pushed again.
//   - Commands on one user take turns within the process, so only replicas conflict.
//   - DryRun says what Execute would do, on a fresh load, and stores nothing. What is read on the way may
//     leave a snapshot behind, as with every read.
//   - The events of a restore are linked to those that they undo as things were at the version appended to.
//   - Get shows whatever any caller was told has succeeded. At shows the past, the same for ever.
//   - However many events lie between two moments, no more than a batch of them is held at once.
//   - An event that this build does not know makes its user unavailable; nothing is guessed.
//
// Transactions are the log's own; none is begun here.
package users
