package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// Whoever asks for help is shown how a command is typed.
func TestEveryCommandHasAnExample(t *testing.T) {
	t.Parallel()
	parser, err := kong.New(&config{}, kong.Name("usersvc"))
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range parser.Model.Children {
		if command.Name == "completion" { // which explains itself, by the library's words
			continue
		}
		said, err := program(t.Context(), t.TempDir(), nil, command.Name, "--help").CombinedOutput()
		if err != nil || !strings.Contains(string(said), "  usersvc "+command.Name) {
			t.Errorf("usersvc %s --help: %v: %s", command.Name, err, said)
		}
	}
}

// What a program reads is JSON, and nothing else.
func TestCommandsAnswerInJSON(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	env := []string{"DATABASE_URL=" + db.URL, "USERSVC_MIGRATE_DATABASE_URL=" + db.AdminURL}
	for _, command := range []string{"demo --people 20", "migrate status", "rebuild user_profiles", "rebuild snapshots", "verify", "sessions", "dead-letters retry", "token --sub ada"} {
		cmd := program(t.Context(), t.TempDir(), env, append(strings.Fields(command), "--json")...)
		var complaints bytes.Buffer
		cmd.Stderr = &complaints
		said, err := cmd.Output()
		if err != nil || !json.Valid(said) {
			t.Errorf("usersvc %s --json: %v: %s%s", command, err, said, complaints.String())
		}
	}
}

// Beside a running service, too, whose PostgreSQL is used: what is said of that is no answer.
func TestCommandsAnswerInJSONBesideAService(t *testing.T) {
	t.Parallel()
	dir := shortTempDir(t)
	serve(t, dir)
	for _, command := range []string{"migrate status", "migrate up", "verify", "sessions", "rebuild snapshots"} {
		said, err := program(t.Context(), dir, nil, append(strings.Fields(command), "--json")...).Output()
		if err != nil || !json.Valid(said) {
			t.Errorf("usersvc %s --json: %v: %s", command, err, said)
		}
	}
}

// Whoever lacks a right is told whose it is.
func TestMissingRightsAreExplained(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	file := inFile(t, oldFile)
	wantStatus(t, 0, environmentOf(db), "import", file)
	tamper(t, db, `DELETE FROM eventlog.claims`)
	for _, args := range [][]string{{"import", file}, {"verify", "--repair"}} {
		said, err := program(t.Context(), t.TempDir(), []string{"DATABASE_URL=" + db.URL}, args...).CombinedOutput()
		if want := "SQLSTATE 42501"; err == nil || !strings.Contains(string(said), want) || !strings.Contains(string(said), "run as the role that migrates: USERSVC_MIGRATE_DATABASE_URL") {
			t.Errorf("%v (%v): %s", args, err, said)
		}
	}
	wantStatus(t, 0, environmentOf(db), "verify", "--repair")
}

// The shell asks the program itself what could come next.
func TestShellsComplete(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{"usersvc dead": "dead-letters", "usersvc rebuild ": "user_profiles", "usersvc serve --log-l": "--log-level"} {
		said, err := program(t.Context(), t.TempDir(), []string{"COMP_LINE=" + line}).Output()
		if err != nil || !strings.Contains(string(said), want) {
			t.Errorf("%q is completed with %q (%v)", line, said, err)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script, err := program(t.Context(), t.TempDir(), nil, "completion", "--code", shell).Output()
		if err != nil || len(script) == 0 {
			t.Errorf("there is no completion for %s: %v", shell, err)
		}
		if path, err := exec.LookPath(shell); err == nil {
			if out, err := exec.CommandContext(t.Context(), path, "-n", "-c", string(script)).CombinedOutput(); err != nil {
				t.Errorf("%s does not understand its completion: %v %s\n%s", shell, err, out, script)
			}
		}
	}
}
