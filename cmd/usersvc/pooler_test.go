package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/pgtest"
)

// Two replicas behind a pooler that lends a connection for each transaction, and has fewer of them than the
// replicas have of their own. Commands, reads, the projection, a rebuild and the feed go through it.
func TestReplicasBehindAPooler(t *testing.T) {
	t.Parallel()
	url := startPooler(t, pgtest.URL(t)) + "&default_query_exec_mode=cache_describe" // as the configuration's page says
	replicas := []*process{serve(t, t.TempDir(), "DATABASE_URL="+url), serve(t, t.TempDir(), "DATABASE_URL="+url)}
	const writers, each = 16, 10
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				body := fmt.Sprintf(`{"email": "u%d-%d@example.com", "displayName": "U"}`, w, i)
				if a, err := replicas[i%2].ask("POST", "/v1/users", body); err != nil || a.status != http.StatusCreated {
					t.Errorf("create a user: %v, %v", a, err)
				}
			}
		})
	}
	all.Go(func() {
		replicas[0].must(202, "POST", "/v1/projections/user_profiles/rebuild", "")
	})
	all.Wait()
	for _, p := range replicas {
		list := p.caughtUp(fmt.Sprintf("/v1/users?count=exact&min_position=%d", writers*each))
		if total := list.body["total"].(float64); total != writers*each {
			t.Errorf("a list shows %v users of %d", total, writers*each)
		}
		first := list.body["data"].([]any)[0].(map[string]any)["id"].(string)
		p.must(200, "GET", "/v1/users/"+first+"/history", "")
		p.must(200, "GET", "/v1/users/"+first+"?version=1", "")
		if seen, _ := p.feedStream(0, writers*each); len(seen) != writers*each {
			t.Errorf("the feed showed %d events of %d", len(seen), writers*each)
		}
	}
	await(t, "the rebuild is done", func() bool {
		rebuild, _ := replicas[1].must(200, "GET", "/v1/projections/user_profiles", "").body["rebuild"].(map[string]any)
		if state := rebuild["state"]; state != "running" && state != "done" {
			t.Fatalf("the rebuild: %v", rebuild)
		}
		return rebuild["state"] == "done"
	})
}

const poolerSettings = `[databases]
pooled = %s

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 6
`

// startPooler puts a PgBouncer in front of a database, and returns its address. It ends with the test.
func startPooler(t *testing.T, databaseURL string) (url string) {
	t.Helper()
	pgbouncer, err := exec.LookPath("pgbouncer")
	if err != nil {
		t.Skip("PgBouncer is not installed; Debian and Ubuntu have it as the package pgbouncer") //nolint:forbidigo // CI installs it
	}
	database, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	settings := filepath.Join(shortTempDir(t), "pgbouncer.ini")
	target := fmt.Sprintf("host=%s port=%d dbname=%s user=%s", database.Host, database.Port, database.Database, database.User)
	if database.Password != "" {
		target += " password=" + database.Password
	}
	text := fmt.Sprintf(poolerSettings, target, port)
	if err := os.WriteFile(settings, []byte(text), 0o644); err != nil { // read by the user of the server
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), pgbouncer, settings)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: ownerOf(t, database.Host)}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	await(t, "PgBouncer listens", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return "postgres://usersvc@" + address + "/pooled?sslmode=disable"
}

// ownerOf is who may enter the folder of a socket, if it is not us: PgBouncer does not run as root.
func ownerOf(t *testing.T, host string) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	const nobody = 65534
	if !strings.HasPrefix(host, "/") {
		return &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	info, err := os.Stat(host)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	return &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); <-time.After(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}
