package main

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/usersvc/usersvc/internal/pgtest"
	"github.com/usersvc/usersvc/migrations"
)

// output runs usersvc to its end.
func output(t *testing.T, env []string, args ...string) (string, error) {
	t.Helper()
	out, err := program(t.Context(), t.TempDir(), env, args...).CombinedOutput()
	return string(out), err
}

func TestWrongConfigurationIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	for name, c := range map[string]struct {
		env  []string
		args []string
		want string
	}{
		"open listener":      {[]string{"DATABASE_URL=" + db.URL, "USERSVC_ADDR=0.0.0.0:0"}, nil, "loopback"},
		"all interfaces":     {[]string{"DATABASE_URL=" + db.URL, "USERSVC_ADDR=:0"}, nil, "loopback"},
		"unknown auth":       {[]string{"USERSVC_AUTH=magic"}, nil, "must be one of"},
		"no database":        {[]string{"USERSVC_REQUIRE_DATABASE_URL=1"}, nil, "DATABASE_URL is not set"},
		"schema missing":     {[]string{"DATABASE_URL=" + pgtest.EmptyDB(t).URL}, nil, "usersvc migrate up"},
		"snapshot interval":  {[]string{"DATABASE_URL=" + db.URL, "USERSVC_SNAPSHOT_EVERY=0"}, nil, "at least 1"},
		"rate limit":         {[]string{"DATABASE_URL=" + db.URL, "USERSVC_RATE_LIMIT=-1"}, nil, "negative"},
		"log level":          {[]string{"USERSVC_LOG_LEVEL=loud"}, nil, "must be one of"},
		"unknown subcommand": {nil, []string{"fly"}, "fly"},
		"careless migration": {[]string{"DATABASE_URL=" + db.URL}, []string{"migrate", "down"}, "--yes"},
	} {
		if got, err := output(t, c.env, c.args...); err == nil || !strings.Contains(got, c.want) {
			t.Errorf("%s: %v, %s; want a refusal that speaks of %q", name, err, got, c.want)
		}
	}
}

func TestMigrateUpStatusAndDown(t *testing.T) {
	t.Parallel()
	env := []string{"DATABASE_URL=" + pgtest.EmptyDB(t).AdminURL}
	latest := latestSchema(t)
	for _, step := range []struct {
		args []string
		want uint
	}{
		{[]string{"migrate", "status"}, 0},
		{[]string{"migrate", "up"}, latest},
		{[]string{"migrate", "up"}, latest},
		{[]string{"migrate", "down", "--yes"}, latest - 1},
		{[]string{"migrate", "down", strconv.Itoa(int(latest) - 1), "--yes"}, 0},
	} {
		want := fmt.Sprintf("schema version %d of %d", step.want, latest)
		if got, err := output(t, env, step.args...); err != nil || !strings.Contains(got, want) {
			t.Errorf("%v: %s (%v), want %q", step.args, got, err, want)
		}
	}
}

func latestSchema(t *testing.T) uint {
	t.Helper()
	state, err := migrations.Status(t.Context(), pgtest.EmptyDB(t).AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	return state.Latest
}

// A second process uses the server of the first, and leaves it to it.
func TestMigrateBesideARunningService(t *testing.T) {
	t.Parallel()
	dir := shortTempDir(t)
	p := serve(t, dir)
	beside := program(t.Context(), dir, nil, "migrate", "status")
	if out, err := beside.CombinedOutput(); err != nil || !strings.Contains(string(out), fmt.Sprintf("schema version %[1]d of %[1]d", latestSchema(t))) {
		t.Errorf("migrate status: %s (%v)", out, err)
	}
	p.create("ada@example.com")
	for _, want := range []string{"a private PostgreSQL", "psql -h", "development"} {
		if !strings.Contains(p.output(), want) {
			t.Errorf("serve does not speak of %q: %s", want, p.output())
		}
	}
	p.signal(syscall.SIGINT)
}

func TestHealthTellsReadyFromNot(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir(), "DATABASE_URL="+pgtest.DB(t).URL)
	addr := "USERSVC_ADDR=" + strings.TrimPrefix(p.url, "http://")
	if out, err := output(t, []string{addr}, "health"); err != nil || !strings.Contains(out, `"ready"`) {
		t.Errorf("health: %s (%v)", out, err)
	}
	p.kill()
	if out, err := output(t, []string{addr}, "health"); err == nil {
		t.Errorf("health of a dead service: %s", out)
	}
}
