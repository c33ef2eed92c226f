// Package httpapi is the service as its clients see it: routes, requests, answers and problems.
//
// It guarantees:
//   - Checks come in one order: the route (404), the method (405), the rate (429), path, query and
//     headers (400), what the client accepts (406), the media type (415), the size of the body (413), its syntax (400), its values
//     (422). Only then is anything looked up.
//   - Nothing that a client sends is repaired or dropped. What is not understood is refused: unknown
//     and repeated members and parameters, wrong types, invalid UTF-8.
//   - Every refusal is an RFC 9457 problem with a stable code. Its text is written here or in package
//     domain; what a database or a library says reaches the log and no client.
//   - Every answer about one user carries a strong ETag, and is never compressed.
//   - A request ends within its deadline. What had begun by then may still happen: the answer is 503
//     outcome_unknown, and the same Idempotency-Key settles it. A stream of the feed ends with its
//     client or with the service.
//   - One line is logged for a request, with its route and never its path, query or names, which may
//     be about a person.
//
// A command takes the straight way: its handler decodes the request into a command of package domain,
// users.Execute carries it out, and the user is written as it then is. With dry_run=true the same goes
// to users.DryRun instead, whatever the command. One more command costs one such
// handler and one line in routes.go. No transaction and no SQL is seen here.
package httpapi
