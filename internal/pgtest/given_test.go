//go:build unix

package pgtest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/embeddedpg"
)

// TestServerThatIsGiven runs the other tests on a server of TEST_DATABASE_URL, in two programs at once,
// as a role that is no superuser.
func TestServerThatIsGiven(t *testing.T) {
	if os.Getenv("TEST_DATABASE_URL") != "" {
		return // they all do
	}
	conn, address := givenServer(t)
	var programs []*exec.Cmd
	for range 2 {
		cmd := exec.Command(os.Args[0], "-test.run=Test[DE]|TestService", "-test.shuffle=on")
		cmd.Env = append(os.Environ(), "TEST_DATABASE_URL="+address)
		cmd.Stdout = t.Output()
		cmd.Stderr = t.Output()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		programs = append(programs, cmd)
	}
	for _, cmd := range programs {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	rows, err := conn.Query(t.Context(), databasesSQL)
	if err != nil {
		t.Fatal(err)
	}
	left, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(left) != 1 || !strings.HasPrefix(left[0], "usersvc_template_") {
		t.Errorf("left are %v (%v), want one template", left, err)
	}
}

// givenServer is one that asks for passwords.
func givenServer(t *testing.T) (admin *pgx.Conn, address string) {
	t.Helper()
	server := PrivateServer(t, embeddedpg.Options{Throwaway: true})
	conn, err := pgx.Connect(t.Context(), server.URL("postgres", "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	if err := os.WriteFile(filepath.Join(server.DataDir, "pg_hba.conf"), []byte("local all all scram-sha-256\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "CREATE ROLE tester LOGIN CREATEDB CREATEROLE PASSWORD 'secret'; SELECT pg_reload_conf()"); err != nil {
		t.Fatal(err)
	}
	return conn, strings.Replace(server.URL("tester", "postgres"), "tester@", "tester:secret@", 1)
}

const printingProgram = "PGTEST_PRINT_AND_WAIT"

func TestServerEndsWithAKilledProgram(t *testing.T) {
	if os.Getenv("TEST_DATABASE_URL") != "" {
		return // that server is not ours
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestPrintAndWait$")
	cmd.Env = append(os.Environ(), printingProgram+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	address := ""
	for address == "" && lines.Scan() {
		_, address, _ = strings.Cut(lines.Text(), "its server: ")
	}
	config, err := pgx.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	end := time.After(30 * time.Second)
	for err := error(nil); !os.IsNotExist(err); _, err = os.Stat(filepath.Join(config.Host, "postmaster.pid")) {
		select {
		case <-end:
			t.Fatalf("30 s after its program the server in %s is still there", config.Host)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// TestPrintAndWait is the program that TestServerEndsWithAKilledProgram kills.
func TestPrintAndWait(t *testing.T) {
	if os.Getenv(printingProgram) == "" {
		return
	}
	fmt.Println("its server: " + DB(t).AdminURL)
	<-t.Context().Done() // never: it is killed before
}
