//go:build !unix

package embeddedpg

// The name is the message that the compiler shows.
var _ = usersvcNeedsUnix_OnWindowsUseWSLorDocker
