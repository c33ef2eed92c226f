package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"text/template"
	"time"
)

// rebuildArg, as the first argument, has rebuilds of user_profiles measured, and nothing else: each is a
// process of its own, `usersvc rebuild`, beside nobody.
const rebuildArg = "rebuild"

const (
	rebuiltEvents = 1_000_000
	eventsPerUser = 10 // also of the log that is transferred
)

// Written past the service: what is measured is not how the events came there. Those of a user lie apart: created,
// renamed, moved, given a role, suspended, reactivated, renamed, given another role; and two are of another domain. The
// rows are what the first rebuild makes.
const insertHistory = `
INSERT INTO eventlog.events (position, recorded_at, event_id, stream_id, version, schema_version, stream_type, type, data, metadata)
SELECT p, now() - interval '1 hour' + p * interval '1 microsecond', gen_random_uuid(),
  CASE WHEN k <= 8 THEN id ELSE md5('activity ' || p)::uuid END, CASE WHEN k <= 8 THEN k ELSE 1 END, CASE WHEN k = 1 THEN 2 ELSE 1 END,
  CASE WHEN k <= 8 THEN 'user' ELSE 'activity' END,
  CASE WHEN k > 8 THEN 'PostCreated' ELSE (ARRAY['UserCreated', 'UserProfileChanged', 'UserEmailChanged', 'RoleGranted',
    'UserSuspended', 'UserReactivated', 'UserProfileChanged', 'RoleGranted'])[k] END,
  CASE
    WHEN k = 1 THEN jsonb_build_object('email', 'user-' || u || '@example.com', 'displayName', 'User ' || u, 'firstName', '', 'lastName', '')
    WHEN k = 3 THEN jsonb_build_object('newEmail', 'user-' || u || '-' || k || '@example.com')
    WHEN k IN (4, 8) THEN jsonb_build_object('role', 'reader-' || k)
    WHEN k = 5 THEN jsonb_build_object('reason', 'at random')
    WHEN k = 6 THEN '{}'
    WHEN k > 8 THEN jsonb_build_object('source', '/bench', 'id', p::text, 'authorId', id)
    ELSE jsonb_build_object('firstName', 'User', 'lastName', 'Number ' || u * k)
  END,
  jsonb_build_object('actor', 'bench', 'source', 'import', 'correlationId', gen_random_uuid())
FROM generate_series(1, $1::bigint) u
CROSS JOIN LATERAL (SELECT md5('user ' || u)::uuid AS id) AS named
CROSS JOIN generate_series(1, 10) k CROSS JOIN LATERAL (SELECT (k - 1) * $1::bigint + u AS p) AS at
ORDER BY p`

const beAtTheEnd = `UPDATE derived.subscriptions SET checkpoint = (SELECT max(position) FROM eventlog.events)`

// rebuilding is what one rebuild took.
type rebuilding struct {
	took     time.Duration
	resident float64 // bytes, at most
}

// benchRebuilds measures rebuilds of so many events, and prints what it found.
func benchRebuilds(ctx context.Context, o options, events int, stdout, stderr io.Writer) (err error) {
	b := &bench{options: o, progress: stderr, report: &report{options: o}}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.openDatabase(ctx); err != nil {
		return err
	}
	binary, err := b.buildService(ctx)
	if err != nil {
		return err
	}
	if err := b.pg.makeDatabase(ctx, serviceName); err != nil {
		return err
	}
	b.say("writing %d events", events)
	if _, err := b.pg.admin.Exec(ctx, insertHistory, events/eventsPerUser); err != nil {
		return err
	}
	for _, sql := range []string{beAtTheEnd, "VACUUM ANALYZE", "CHECKPOINT"} {
		if _, err := b.pg.admin.Exec(ctx, sql); err != nil {
			return err
		}
	}
	var measured []rebuilding
	for round := range o.rounds + 1 { // the first fills the tables, and does not count
		r, err := b.rebuild(ctx, binary, round > 0)
		if err != nil {
			return err
		}
		b.say("round %d of %d: %v, %.0f MB", round, o.rounds, r.took.Round(time.Millisecond), r.resident/(1<<20))
		if round > 0 {
			measured = append(measured, r)
		}
	}
	return b.writeRebuilds(stdout, events, measured)
}

// rebuild runs one to its end. The rows that it replaces must have been right, if they are those of the one
// before.
func (b *bench) rebuild(ctx context.Context, binary string, again bool) (rebuilding, error) {
	cmd := exec.CommandContext(ctx, binary, "rebuild", "user_profiles")
	cmd.Env = append(os.Environ(), "DATABASE_URL="+b.pg.url(serviceName))
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil || again && !strings.Contains(string(out), "the live rows were right") {
		return rebuilding{}, fmt.Errorf("usersvc rebuild: %w\n%s", errors.Join(err, errors.New("not as it should be")), out)
	}
	usage, _ := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return rebuilding{time.Since(began), float64(usage.Maxrss) * 1024}, nil
}

var rebuildPage = template.Must(template.New("").Parse(`## Rebuild
{{range .Conditions}}
- {{.}}{{end}}

| claim | measured (lowest to highest round) | target | |
|---|--:|--:|---|
{{range .Claims}}| {{.}} |
{{end}}`))

func (b *bench) writeRebuilds(w io.Writer, events int, measured []rebuilding) error {
	var rates, sizes []float64
	for _, r := range measured {
		rates = append(rates, float64(events)/r.took.Seconds()/1000)
		sizes = append(sizes, r.resident/(1<<20))
	}
	of := fmt.Sprintf("of %d events of %d users", events, events/eventsPerUser)
	claims := []claim{
		newClaim("thousand events a second, "+of, rates, claim{target: 100}),
		newClaim("memory of the process at most, "+of, sizes, claim{target: 256, unit: " MB", atMost: true}),
	}
	return rebuildPage.Execute(w, map[string]any{"Conditions": b.report.conditions, "Claims": claims})
}
