package main

import (
	"encoding/json"
	"errors"
	"os/exec"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/pgtest"
	"github.com/usersvc/usersvc/internal/verify"
)

func TestVerifySaysSoByItsStatus(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	env := []string{"DATABASE_URL=" + db.URL, "USERSVC_MIGRATE_DATABASE_URL=" + db.AdminURL}
	p := serve(t, t.TempDir(), "DATABASE_URL="+db.URL)
	id := p.create("ada@example.com")
	p.caughtUp("/v1/users?min_position=1")
	p.kill()
	wantStatus(t, 0, env, "verify")

	conn, err := pgx.Connect(t.Context(), db.AdminURL)
	if err == nil {
		_, err = conn.Exec(t.Context(), `DELETE FROM eventlog.claims; UPDATE derived.user_profiles SET first_name = 'Eve'`)
	}
	if err == nil {
		err = conn.Close(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	var report verify.Report
	if err := json.Unmarshal([]byte(wantStatus(t, 1, env, "verify", "--json")), &report); err != nil {
		t.Fatal(err)
	}
	wrong := map[string]bool{}
	for _, r := range report.Results {
		if r.Wrong == 1 && r.Examples[0] == id {
			wrong[r.Check] = true
		}
	}
	if len(wrong) != 2 || !wrong["claims"] || !wrong["user_profiles"] {
		t.Errorf("wrong: %v", wrong)
	}
	wantStatus(t, 0, env, "verify", "--repair")
	wantStatus(t, 0, env, "verify")
	wantStatus(t, 2, []string{"DATABASE_URL=" + "postgres://nobody@127.0.0.1:1/nothing"}, "verify")
}

// wantStatus runs usersvc and returns its standard output.
func wantStatus(t *testing.T, status int, env []string, args ...string) string {
	t.Helper()
	cmd := program(t.Context(), t.TempDir(), env, args...)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) && err != nil {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != status {
		t.Fatalf("%v: status %d, want %d: %s", args, got, status, out)
	}
	return string(out)
}
