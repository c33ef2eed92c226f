// Package domain holds the User: what may happen to one, and what is true of
// one after it happened. It is pure: no I/O, no clock, no goroutines.
//
// A Command decides which events a request causes, given the user as it is
// now. An Event is a fact. Apply folds an event into the user, so a user is
// NewUser(id) with the events of its stream applied in order.
//
// It guarantees:
//   - Decide changes nothing and asks nothing but its arguments. The same
//     user and command always give the same answer.
//   - Every event that Decide returns can be applied to the user it was
//     decided on, and every version counts exactly one event.
//   - A User is a value. Apply never writes to memory that another User can
//     see, so users may be cached and shared between goroutines.
//   - Email, Name, Reason and Role are made by their Parse functions, which
//     apply the rules. A command is built from these types, so a handler
//     cannot forget a check.
//   - Every payload ever stored stays readable. Encode writes the newest
//     schema of an event, Decode reads each one back to the first.
//
// Activity is events of other domains (posts, followers) that concern a user.
// They are a set of their own, with an Origin, and only Counters follow them.
//
// It does not guarantee that an address is held by one user only. That takes
// all users; the log checks it with the claim that User.Address names.
//
// Rules answer with *Error: a kind, a stable code, and for bad values the
// member at fault. Decode and DecodeActivity answer with *UnknownEvent for
// events of a newer build.
package domain
