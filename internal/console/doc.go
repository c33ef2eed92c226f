// Package console is the pages with which people look at the service and mend it, at /console.
//
// It guarantees:
//   - It is a client of the public API like any other. Whatever a page shows or does is an answer of the API to a request that was
//     made with the caller's own token: what a caller may not do, the caller cannot do here. It knows no database and no log.
//   - A page asks no other host for anything, runs no script but those in assets, and is shown in no frame.
//   - A token stays in the memory of the page that it was given to. It is in no cookie and no storage.
//   - Another site cannot have a browser send a command from here: see http.CrossOriginProtection.
//
// The pages are made on the server. htmx (assets/htmx.min.js, 0BSD) replaces what changes of them: what it asks for is answered
// with the content of the page alone. Without scripts everything can be read, if no token is needed, and nothing be changed.
package console
