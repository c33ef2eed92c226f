//go:build unix

package embeddedpg

import "slices"

// settings are given on the command line, where they win over every configuration file.
func settings(socketDir string, throwaway bool) []string {
	all := slices.Concat(common, durable)
	if throwaway {
		all = slices.Concat(common, quick)
	}
	all = append(all, "unix_socket_directories="+socketDir)
	var args []string
	for _, setting := range all {
		args = append(args, "-c", setting)
	}
	return args
}

var common = []string{
	"listen_addresses=", // no port
	"port=" + port,
	"unix_socket_permissions=0700",
	"timezone=UTC",
	"log_timezone=UTC",
	"logging_collector=off",     // the log goes to the file that we opened
	"log_error_verbosity=terse", // the detail of a unique violation is an e-mail address
	"jit=off",                   // compiling costs more than it saves in queries of milliseconds
}

// The first three are PostgreSQL's defaults and the point of keeping events: no file may undo them.
var durable = []string{
	"fsync=on",
	"synchronous_commit=on",
	"full_page_writes=on",
	"max_connections=100", // a service with its pool, a second one beside it, and people
}

// Commits behave as ever, standbys included; only the disk is not waited for.
var quick = []string{
	"fsync=off",
	"full_page_writes=off",
	"autovacuum=off",        // databases live for a second
	"checkpoint_timeout=1h", // cloning and dropping databases make their own
	"log_checkpoints=off",   // hundreds of them
	"max_wal_size=256MB",    // it may be memory
	"max_connections=200",   // tests with dozens of clients, side by side
}
