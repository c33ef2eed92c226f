//go:build teeth

package safeguard

import "os"

var removed = os.Getenv("USERSVC_TEETH")

// Removed reports whether a safeguard has been taken away.
func Removed(name string) bool { return name == removed }
