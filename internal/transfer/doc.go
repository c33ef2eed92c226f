// Package transfer is the log as a file, line by line: one event a line, in the order of the log, so that line n
// of a whole log is its event n.
//
// It guarantees:
//   - A file shows events as they are stored, of whatever schema version. What Export writes and Import reads
//     is the same log again, byte for byte in the next export.
//   - Export reads up to a position, and positions never change. So it needs no long transaction, and pieces
//     that were exported one after the other are one file.
//   - Import stores nothing before it has found the whole file in order: every line by itself, all lines
//     together, and the log as it is, which has to be an exact beginning of the file. What is wrong is an
//     [*Unacceptable] with the number of its line.
//   - Then the rest is appended in chunks, under the lock of the log, with everything that append_events
//     maintains. If an import is interrupted the log is the beginning of the file, so that it can be repeated.
//   - A reader sees the events of one instant together, or none of them.
//
// Import takes the place of append_events, which gives each event its position and time; so it needs the
// rights of the log's owner. Idempotency records and whatever is derived from the log are not in a file:
// projections follow as they follow any append.
package transfer
