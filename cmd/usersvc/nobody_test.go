package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"

	"github.com/usersvc/usersvc"
	"github.com/usersvc/usersvc/internal/pgtest"
)

// As a container does: nobody in particular, with no right and no capability, and nothing to write to.
const asNobody = `mount --make-rprivate / && mount -o remount,bind,ro / &&
exec setpriv --reuid 65532 --regid 65532 --clear-groups --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs "$@"`

func TestNobodyServesEveryRoute(t *testing.T) {
	t.Parallel()
	if !mayBecomeNobody(t) {
		t.Log("not shown on this machine: it takes root, with the right to mount, unshare and setpriv")
		return
	}
	p := serveWith(t, func(cmd *exec.Cmd) {
		cmd.Args = append([]string{"unshare", "--mount", "sh", "-c", asNobody, "sh", forEverybody(t, cmd.Path)}, cmd.Args[1:]...)
		cmd.Path, _ = exec.LookPath("unshare")
	}, "DATABASE_URL="+databaseForEverybody(t))
	id := p.create("ada@example.com")
	document, err := openapi3.NewLoader().LoadFromData(usersvc.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range document.Paths.Map() {
		for method := range item.Operations() {
			target := strings.NewReplacer("{id}", id, "{role}", "editor", "{name}", "user_profiles", "{code}", "internal").Replace(path)
			if path == "/v1/users/{id}" && method == http.MethodDelete {
				target += "?dry_run=true"
			}
			request, err := http.NewRequestWithContext(t.Context(), method, p.url+target, strings.NewReader(""))
			if err != nil {
				t.Fatal(err)
			}
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			said, _ := io.ReadAll(answer.Body)
			answer.Body.Close()
			if answer.StatusCode >= 500 {
				t.Errorf("%s %s: %d %s", method, target, answer.StatusCode, said)
			}
		}
	}
}

// databaseForEverybody leads through a socket that everybody may use.
func databaseForEverybody(t *testing.T) string {
	t.Helper()
	proxy := pgtest.NewProxy(t, pgtest.DB(t).URL)
	address, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	folder := address.Query().Get("host")
	if err := errors.Join(os.Chmod(folder, 0o755), os.Chmod(filepath.Join(folder, ".s.PGSQL.5432"), 0o777)); err != nil {
		t.Fatal(err)
	}
	return proxy.URL
}

func mayBecomeNobody(t *testing.T) bool {
	t.Helper()
	return exec.CommandContext(t.Context(), "unshare", "--mount", "sh", "-c", asNobody, "sh", "true").Run() == nil
}

// forEverybody copies a program to where everybody may run it.
func forEverybody(t *testing.T, program string) string {
	t.Helper()
	folder, err := os.MkdirTemp("/var/tmp", "usersvc-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(folder, uuid.NewString())
	if err := os.WriteFile(copied, content, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return copied
}

// serveWith is serve of a command that was changed.
func serveWith(t *testing.T, change func(*exec.Cmd), env ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: program(context.Background(), "/", env, "serve"), done: make(chan struct{})}
	change(p.cmd)
	p.start()
	return p
}
