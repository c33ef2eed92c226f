package torture

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
)

var (
	rebuiltEvents = times{2_000, 20_000, 200_000}
	rebuildFor    = times{1, 5, 40} // seconds
)

const (
	pacedClients  = 25
	pacedCommands = 50 // a second
	// A command may take so many times as long as it does without a rebuild.
	slowerWhileRebuilt = 2
)

// The projection is rebuilt, again and again, under a steady load of commands, events of other domains and
// reads. No request fails, nothing is missing from what is read, and the rows are in the end what a replay makes.
func TestRebuild(t *testing.T) {
	begin(t)
	pg := startPostgres(t)
	users := pg.seed(rebuiltEvents.now())
	s := serve(t, pg.url("usersvc"))
	pg.awaitProjection()
	pg.tidyUp()
	l := &load{t: t, clients: pacedClients, target: at(s), users: users, seeded: rebuiltEvents.now()}
	l.timed = func(r reply, err error, _ time.Duration) {
		if err != nil || !r.ok() {
			t.Errorf("a command was answered %d %s (%v)", r.status, r.code, err)
		}
	}
	p, o := l.startPaced(pacedCommands, anything), s.lookOn(t, users)
	var rebuilds spans
	for rebuilds.sum() < rebuildFor.seconds() {
		rebuilds = append(rebuilds, s.rebuildOnce(t, pg))
		pass(t, 2*rebuilds[len(rebuilds)-1].took)
	}
	l.stop()
	o.stop()
	l.checkProjection(pg)
	meanwhile, otherwise := p.split(rebuilds)
	t.Logf("%d rebuilds of %d events, %v in all, under %d commands a second: p99 of %d commands %v, of %d without a rebuild %v",
		len(rebuilds), rebuiltEvents.now(), rebuilds.sum().Round(time.Millisecond), pacedCommands,
		len(meanwhile), percentile(meanwhile, 99), len(otherwise), percentile(otherwise, 99))
	t.Logf("p50 %v and %v, longest %v and %v",
		percentile(meanwhile, 50), percentile(otherwise, 50), percentile(meanwhile, 100), percentile(otherwise, 100))
	if *profile == "full" {
		within(t, "the 99th percentile of commands", percentile(meanwhile, 99), slowerWhileRebuilt*percentile(otherwise, 99))
	}
}

// anything is a client's next command or, for every fifth, an event of another domain.
func anything(s *sender) *command {
	if s.rng.IntN(5) > 0 {
		return s.next()
	}
	c := &command{reports: true}
	c.correlation = uuid.Must(uuid.NewV7()).String()
	c.method, c.path = "POST", "/v1/events"
	c.body = fmt.Sprintf(`{"specversion": "1.0", "source": "/torture", "id": %q, "type": "PostCreated", "data": {"authorId": %q}}`, c.correlation, s.load.somebody(s.rng))
	return c
}

// rebuildOnce returns when it is done.
func (s *service) rebuildOnce(t *testing.T, pg *postgres) span {
	t.Helper()
	began := time.Now()
	s.rebuild(t)
	await(t, "the rebuild ends", func() bool { return !pg.rebuilding() })
	return span{began, time.Since(began)}
}

// rebuild asks for a rebuild of the projection.
func (s *service) rebuild(t *testing.T) {
	t.Helper()
	r, err := s.send(request{method: "POST", path: "/v1/projections/user_profiles/rebuild"})
	if err != nil || !r.ok() {
		t.Errorf("ask for a rebuild: %d %s (%v)", r.status, r.code, err)
	}
}

const selectRebuild = `
SELECT count(*) FILTER (WHERE state = 'running') > 0,
  COALESCE(min(state || ' in its phase ' || phase || ', ' || COALESCE(differences, 0) || ' differences ' || COALESCE(error, ''))
    FILTER (WHERE state NOT IN ('running', 'done') OR differences > 0), '')
FROM derived.rebuilds`

// rebuilding says whether a rebuild is under way. The one before must have ended well, and found no difference.
func (pg *postgres) rebuilding() (running bool) {
	pg.t.Helper()
	var wrong string
	if err := pg.admin.QueryRow(pg.t.Context(), selectRebuild).Scan(&running, &wrong); err != nil {
		pg.t.Fatal(err)
	}
	if wrong != "" {
		pg.t.Errorf("a rebuild ended: %s", wrong)
	}
	return running
}
