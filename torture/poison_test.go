package torture

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
)

var (
	healthyEvents = times{300, 3_000, 10_000}
	poisonEvents  = times{3, 10, 10}
)

const longestLag = time.Second

// The projection's handler has a fault: it fails for some names.
const plantFault = `
CREATE FUNCTION torture.fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a fault of the handler';
END $$;
CREATE TRIGGER handler_fails BEFORE INSERT OR UPDATE ON derived.user_profiles
  FOR EACH ROW WHEN (NEW.display_name LIKE 'poison %') EXECUTE FUNCTION torture.fail()`

const mendFault = `DROP TRIGGER handler_fails ON derived.user_profiles`

// Events that the projection fails for, among many, hold nobody up but the users whom they are about. When the
// handler is mended, one retry makes the projection what a replay of the log makes it.
func TestPoison(t *testing.T) {
	begin(t)
	pg := startPostgres(t)
	pg.auditEffects()
	pg.exec(plantFault)
	s := serve(t, pg.url("usersvc"), "USERSVC_RETRY_TRIES=1") // nothing is mended before we ask for it
	l := (&load{t: t, clients: 16, target: at(s)}).start()
	lag := pg.watchLag()
	events, poison := healthyEvents.now(), poisonEvents.now()
	var poisoned []string
	for n := range poison {
		l.await(events * (n + 1) / (poison + 1))
		poisoned = append(poisoned, l.poison(n))
	}
	l.await(events)
	pass(t, 2*longestLag) // that what is held up has time to be late
	within(t, "an event that is not parked waited, which", lag(), longestLag)
	await(t, "every poison event is parked", func() bool { return pg.parked() == poison })
	for n, id := range poisoned {
		l.rename(n, id, "one that has to wait")
	}
	l.stop()
	pg.awaitProjection()
	if parked := pg.parked(); parked != 2*poison {
		t.Errorf("%d events are parked, but %d fail and one waits behind each", parked, poison)
	}
	pg.exec(mendFault)
	if r, err := s.send(request{method: "POST", path: "/v1/dead-letters/retry"}); err != nil || !r.ok() {
		t.Errorf("retry: %d %s (%v)", r.status, r.code, err)
	}
	await(t, "nothing is parked any more", func() bool { return pg.parked() == 0 })
	l.checkAll(pg)
	t.Logf("%d poison events among %d", poison, l.acknowledged.Load())
}

// poison makes a user of its own with a name that the handler will fail for.
func (l *load) poison(n int) (id string) {
	c := &command{}
	c.correlation = uuid.Must(uuid.NewV7()).String()
	c.key = c.correlation
	id = (&sender{}).create(c, fmt.Sprintf("poison-%d", n))
	l.carryOut(n, c)
	l.rename(n, id, fmt.Sprintf("poison %d", n))
	return id
}

func (l *load) rename(n int, id, name string) {
	c := &command{}
	c.correlation = uuid.Must(uuid.NewV7()).String()
	c.key = c.correlation
	c.method, c.path, c.body = "PATCH", "/v1/users/"+id, fmt.Sprintf(`{"displayName": %q}`, name)
	l.carryOut(n, c)
}

func (pg *postgres) parked() (n int) {
	pg.t.Helper()
	if err := pg.admin.QueryRow(pg.t.Context(), "SELECT count(*) FROM derived.dead_letters WHERE state <> 'skipped'").Scan(&n); err != nil {
		pg.t.Fatal(err)
	}
	return n
}

const selectLag = `
SELECT COALESCE(extract(epoch FROM clock_timestamp() - min(recorded_at)), 0)
FROM derived.outbox WHERE subscription = 'user_profiles'`

// watchLag looks how long the oldest event has waited that the projection has neither had nor parked, until
// it is asked for the longest time.
func (pg *postgres) watchLag() (longest func() time.Duration) {
	stop, found := make(chan struct{}), make(chan float64, 1)
	go func() {
		worst := 0.0
		for {
			var lag float64
			if err := pg.admin.QueryRow(pg.t.Context(), selectLag).Scan(&lag); err != nil {
				if pg.t.Context().Err() == nil {
					pg.t.Error(err)
				}
				found <- worst
				return
			}
			worst = max(worst, lag)
			select {
			case <-stop:
				found <- worst
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() time.Duration {
		close(stop)
		lag := time.Duration(<-found * float64(time.Second))
		pg.t.Logf("the longest lag was %v", lag.Round(time.Millisecond))
		return lag
	}
}
