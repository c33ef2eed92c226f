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

// rebuildArg, as the first argument, has measured how user_profiles is made again, and nothing else: by a service that
// finds a log and nothing made of it (drain), and by `usersvc rebuild`, a process of its own beside nobody.
const rebuildArg = "rebuild"

const (
	rebuiltEvents = 1_000_000
	eventsPerUser = 10 // also of the log that is transferred
)

// Written past the service: what is measured is not how the events came there. A user is created, renamed, moved, given a
// role, suspended, reactivated, renamed, given another role; and two events are of another domain. Whose event is at a
// position is said by the order.
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
CROSS JOIN generate_series(1, 10) k CROSS JOIN LATERAL (SELECT CASE WHEN $2 THEN (k - 1) * $1::bigint + u ELSE (u - 1) * 10 + k END AS p) AS at
ORDER BY p`

// The events of a user lie apart, with all others between two of them, or together.
var orders = []struct {
	says   string
	apart  bool
	target float64 // thousand events a second
}{{"those of a user together", false, 200}, {"those of a user far apart", true, 100}}

const beAtTheEnd = `UPDATE derived.subscriptions SET checkpoint = (SELECT max(position) FROM eventlog.events)`

// rebuilding is what one rebuild took.
type rebuilding struct {
	took     time.Duration
	resident float64 // bytes, at most
}

// remade is what was measured with one order of a log.
type remade struct {
	drained time.Duration
	rebuilt []rebuilding
}

// benchRebuilds measures drains and rebuilds of so many events, and prints what it found.
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
	var claims []claim
	for _, order := range orders {
		m, err := b.remake(ctx, binary, events, order.apart)
		if err != nil {
			return err
		}
		claims = append(claims, m.claims(fmt.Sprintf("%d events of %d users, %s", events, events/eventsPerUser, order.says), events, order.target)...)
	}
	return rebuildPage.Execute(stdout, map[string]any{"Conditions": b.report.conditions, "Claims": claims})
}

// Only who owns everything can do this, and only by taking the guard off first.
const forgetEverything = `
ALTER TABLE eventlog.events DISABLE TRIGGER events_are_immutable;
TRUNCATE eventlog.events, derived.user_profiles, derived.user_versions, derived.role_holders, derived.activity, derived.snapshots;
UPDATE derived.subscriptions SET checkpoint = 0;
ALTER TABLE eventlog.events ENABLE ALWAYS TRIGGER events_are_immutable`

// remake writes a log, lets a service drain it, and has what that made rebuilt.
func (b *bench) remake(ctx context.Context, binary string, events int, apart bool) (m remade, err error) {
	b.say("writing %d events", events)
	if _, err := b.pg.admin.Exec(ctx, forgetEverything); err != nil {
		return m, err
	}
	if _, err := b.pg.admin.Exec(ctx, insertHistory, events/eventsPerUser, apart); err != nil {
		return m, err
	}
	if err := b.tidyUp(ctx); err != nil {
		return m, err
	}
	if m.drained, err = b.drain(ctx, binary); err != nil {
		return m, err
	}
	b.say("drained in %v", m.drained.Round(time.Millisecond))
	for round := range b.rounds {
		if err := b.tidyUp(ctx); err != nil { // which a service that has run for a while has behind it
			return m, err
		}
		r, err := b.rebuild(ctx, binary)
		if err != nil {
			return m, err
		}
		b.say("round %d of %d: %v, %.0f MB", round+1, b.rounds, r.took.Round(time.Millisecond), r.resident/(1<<20))
		m.rebuilt = append(m.rebuilt, r)
	}
	return m, nil
}

func (b *bench) tidyUp(ctx context.Context) error {
	for _, sql := range []string{"VACUUM ANALYZE", "CHECKPOINT"} {
		if _, err := b.pg.admin.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// drain is how long a service takes, from its start, to make everything of a log.
func (b *bench) drain(ctx context.Context, binary string) (took time.Duration, err error) {
	began := time.Now()
	service, err := b.serve(ctx, binary, serviceName)
	if err != nil {
		return 0, err
	}
	err = b.pg.awaitProjection(ctx)
	took = time.Since(began)
	return took, errors.Join(err, service.stop())
}

// rebuild runs one to its end. The rows that it replaces must have been right: they are those of the drain, or of the one
// before.
func (b *bench) rebuild(ctx context.Context, binary string) (rebuilding, error) {
	cmd := exec.CommandContext(ctx, binary, "rebuild", "user_profiles")
	cmd.Env = append(os.Environ(), "DATABASE_URL="+b.pg.url(serviceName))
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "the live rows were right") {
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

func (m remade) claims(of string, events int, target float64) []claim {
	var rates, sizes []float64
	for _, r := range m.rebuilt {
		rates = append(rates, float64(events)/r.took.Seconds()/1000)
		sizes = append(sizes, r.resident/(1<<20))
	}
	return []claim{
		newClaim("drained from cold, thousand events a second, "+of, []float64{float64(events) / m.drained.Seconds() / 1000}, claim{target: 100}),
		newClaim("rebuilt, thousand events a second, "+of, rates, claim{target: target}),
		newClaim("memory of the rebuilding process at most, "+of, sizes, claim{target: 256, unit: " MB", atMost: true}),
	}
}
