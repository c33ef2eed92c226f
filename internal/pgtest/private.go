//go:build unix

package pgtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/usersvc/usersvc/internal/embeddedpg"
)

// PrivateServer starts a server for one test, which may configure or kill it. It is as durable as the
// service's own unless o.Throwaway says otherwise; o.Dir is chosen here.
func PrivateServer(tb testing.TB, o embeddedpg.Options) *embeddedpg.Server {
	tb.Helper()
	o.Dir = tb.TempDir()
	if err := os.Chmod(filepath.Dir(o.Dir), 0o755); err != nil { // root's server is not root's
		tb.Fatalf("open the folder of a server: %v", err)
	}
	s, err := embeddedpg.Start(tb.Context(), o)
	if err != nil {
		tb.Fatalf("start a server: %v", err)
	}
	tb.Cleanup(func() { _ = s.Stop() }) // the test may have killed it
	return s
}
