// Package users is what can be done with users: the one place where a decision meets the log.
//
// It guarantees:
//   - Execute decides a command on the user as it is and appends what was decided, expecting just that
//     version. A cached user may only lead to an append, which checks it: a refusal, or "nothing to
//     do", is decided again on a fresh load before anyone is told.
//   - A race that was lost is decided again, never pushed again.
//   - Commands on one user take turns within the process, so only replicas conflict.
//   - Get shows whatever any caller was told has succeeded. At shows the past, the same for ever.
//   - An event that this build does not know makes its user unavailable; nothing is guessed.
//
// Transactions are the log's own; none is begun here.
package users
