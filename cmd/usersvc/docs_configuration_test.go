package main

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/embeddedpg"
	"github.com/usersvc/usersvc/internal/pgtest"
)

var variableRow = regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\| (.*?) \\|")

func TestReadmeListsEveryVariable(t *testing.T) {
	t.Parallel()
	wanted := make(map[string]string)
	variables(reflect.TypeFor[config](), wanted)
	listed := make(map[string]string)
	for _, row := range variableRow.FindAllStringSubmatch(read(t, readme), -1) {
		listed[row[1]] = row[2]
	}
	for name, byDefault := range wanted {
		if shown, ok := listed[name]; !ok || byDefault != "" && shown != "`"+byDefault+"`" {
			t.Errorf("%s is %q by default, and the README says %q (listed: %v)", name, byDefault, shown, ok)
		}
		delete(listed, name)
	}
	if len(listed) > 0 {
		t.Errorf("the README lists variables that do not exist: %v", listed)
	}
}

// variables collects the variables of all subcommands, with their defaults.
func variables(of reflect.Type, into map[string]string) {
	for _, field := range reflect.VisibleFields(of) {
		name := field.Tag.Get("env")
		switch {
		case name != "":
			into[name] = field.Tag.Get("default")
		case field.Type.Kind() == reflect.Struct:
			variables(field.Type, into)
		}
	}
}

// The page is followed from top to bottom on a new server, by an administrator like those that providers
// give out: one that is no superuser. Then the service has to work with each role that the page made.
func TestConfigurationPreparesAManagedServer(t *testing.T) {
	t.Parallel()
	server := newManaged(t)
	server.execute(t, "postgres", "CREATE ROLE administrator LOGIN CREATEROLE CREATEDB")
	blocks := blocksOf(t, configuration)
	for i, b := range blocks {
		switch b.language {
		case "sql":
			server.execute(t, "administrator", strings.Split(strings.TrimSpace(b.text), ";\n")...)
		case "sh":
			if said := bash(t, server.inPlaceOf("db.example.com/usersvc", b.text), programOnPath(t)); said != blocks[i+1].text {
				t.Errorf("%ssays\n%sand the page prints\n%s", b.text, said, blocks[i+1].text)
			}
		}
	}
	// Whoever may migrate may import.
	wantStatus(t, 0, []string{"DATABASE_URL=" + server.URL("administrator", "usersvc")}, "import", inFile(t, oldFile))
	for _, role := range []string{"usersvc", "another_login"} {
		serve(t, t.TempDir(), "DATABASE_URL="+server.URL(role, "usersvc")).create(role + "@example.com")
	}
	if diff := cmp.Diff(server.timeOuts(t, "usersvc"), server.timeOuts(t, "another_login")); diff != "" {
		t.Errorf("the page sets other time-outs (+) than the migration (-):\n%s", diff)
	}
}

// What the page recommends behind a pooler must be able to send an append.
func TestPoolerModeOfTheConfiguration(t *testing.T) {
	t.Parallel()
	const mode = "default_query_exec_mode=cache_describe"
	if !strings.Contains(read(t, configuration), "`"+mode+"`") {
		t.Fatalf("%s does not recommend %s", configuration, mode)
	}
	p := serve(t, t.TempDir(), "DATABASE_URL="+pgtest.URL(t)+"&"+mode)
	p.must(200, "GET", "/v1/users/"+p.create("ada@example.com")+"/history", "")
	p.caughtUp("/v1/users?q=ada&min_position=1")
}

// managed is a server on which nothing has been prepared: roles are the server's and not the database's.
type managed struct{ *embeddedpg.Server }

func newManaged(t *testing.T) managed {
	t.Helper()
	server, err := embeddedpg.Start(t.Context(), embeddedpg.Options{Dir: filepath.Join(shortTempDir(t), "pg"), Database: "postgres", Throwaway: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return managed{server}
}

func (m managed) execute(t *testing.T, role string, statements ...string) {
	t.Helper()
	conn := m.connect(t, role)
	for _, statement := range statements {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func (m managed) connect(t *testing.T, role string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), m.URL(role, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// inPlaceOf puts the server's address where a command has that of an example.
func (m managed) inPlaceOf(example, command string) string {
	_, socket, _ := strings.Cut(m.URL("any", "any"), "?")
	return strings.ReplaceAll(command, example, "/usersvc?"+socket)
}

// timeOuts of a role, but for the one that PostgreSQL has from 17 on: the page has it in its table alone.
const timeOuts = `
SELECT s FROM pg_roles, unnest(rolconfig) AS s WHERE rolname = $1 AND s NOT LIKE 'transaction_timeout=%' ORDER BY s`

func (m managed) timeOuts(t *testing.T, role string) []string {
	t.Helper()
	rows, err := m.connect(t, "postgres").Query(t.Context(), timeOuts, role)
	if err != nil {
		t.Fatal(err)
	}
	settings, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(settings) == 0 {
		t.Fatalf("%s has no time-outs (%v)", role, err)
	}
	return settings
}

// programOnPath lets a shell find usersvc.
func programOnPath(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script := "#!/bin/sh\n" + beUsersvc + "=yes exec '" + self + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "usersvc"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return "PATH=" + dir + ":" + os.Getenv("PATH")
}
