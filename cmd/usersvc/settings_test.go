package main

import (
	"strings"
	"testing"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// The database of tests does not wait for the disk, and nobody should serve from such a one by mistake.
func TestUnsafeDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	cmd := program(t.Context(), t.TempDir(), []string{"DATABASE_URL=" + pgtest.DB(t).URL, "USERSVC_ALLOW_UNSAFE_DATABASE=false"}, "serve")
	said, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(said), "the database has f") || !strings.Contains(string(said), "= off: what is acknowledged could be lost") {
		t.Errorf("it said %q (%v)", said, err)
	}
}
