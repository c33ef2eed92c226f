package rebuild_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/outbox"
)

// An event is given up while a rebuild goes on, which has handled it and has no reason not to, or has parked it as well. Whenever
// that event came, the rebuild fails, and the next one passes it over.
func TestEventGivenUpMeanwhile(t *testing.T) {
	t.Parallel()
	nothing := func(*replica, *testing.T) {}
	for what, parks := range map[string]struct{ before, meanwhile func(*replica, *testing.T) }{
		"a new one that can be handled":     {nothing, (*replica).parkNewest},
		"an old one that can be handled":    {(*replica).parkNewest, nothing},
		"an old one that cannot be handled": {(*replica).parkUnknown, nothing},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := open(t)
			r.handled(t, 5, 20)
			parks.before(r, t)
			release := r.reader(t) // keeps it from switching
			done := underWay(t, r.begin(t))
			r.untilSwitching(t)
			parks.meanwhile(r, t)
			r.giveFirstUp(t)
			rows, parked := r.rows(t), r.texts(t, queues)
			release()
			wantGivenUpMeanwhile(t, <-done)
			r.wantUnchanged(t, rows, parked)
			r.rebuild(t, "user_profiles")
			r.wantUnchanged(t, rows, parked)
		})
	}
}

// One is given up behind the position up to which a rebuild folds, before it has asked what was given up: what it takes over after
// the fold, it does not look up.
func TestEventGivenUpBehindTheFold(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.handled(t, 5, 20)
	run := r.begin(t)
	tx := r.hold(t, pgx.ReadCommitted, `LOCK TABLE derived.activity`) // keeps it from making the new tables
	done := underWay(t, run)
	r.awaitTexts(t, `SELECT phase FROM derived.rebuilds WHERE phase = 'folding'`)
	r.parkNewest(t)
	r.exec(t, `UPDATE derived.dead_letters SET state = 'skipped'`)
	r.exec(t, `UPDATE derived.subscriptions SET parked = 0`)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantGivenUpMeanwhile(t, <-done)
}

func wantGivenUpMeanwhile(t *testing.T, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), outbox.ErrSkippedMeanwhile.Error()) {
		t.Errorf("what became of it: %v", err)
	}
}

// parkNewest has somebody do something that the live subscription could not handle, as an older release could not.
func (r *replica) parkNewest(t *testing.T) {
	t.Helper()
	if err := r.execute(t.Context(), r.ids[0], domain.GrantRole{Role: "newest"}); err != nil {
		t.Fatal(err)
	}
	r.exec(t, `INSERT INTO derived.dead_letters (id, subscription, user_id, position, state)
SELECT gen_random_uuid(), 'user_profiles', $1, max(position), 'dead' FROM eventlog.events`, r.ids[0])
	r.exec(t, `UPDATE derived.subscriptions SET parked = 1, checkpoint = (SELECT max(position) FROM eventlog.events)`)
}

// parkUnknown has an event parked that nobody can handle.
func (r *replica) parkUnknown(t *testing.T) {
	t.Helper()
	r.unknown(t, r.ids[0])
	stopRelay := r.work(t)
	r.caughtUp(t)
	stopRelay()
}

func (r *replica) giveFirstUp(t *testing.T) {
	t.Helper()
	letters, err := r.relay.DeadLetters(t.Context(), "", "", outbox.LetterPlace{}, 1)
	if err != nil || len(letters) != 1 {
		t.Fatal(letters, err)
	}
	if left, err := r.relay.Skip(t.Context(), letters[0].ID, "tester", "never again"); left != 0 || err != nil {
		t.Fatalf("%d left, %v", left, err)
	}
}

func (r *replica) wantUnchanged(t *testing.T, rows, parked []string) {
	t.Helper()
	if diff := cmp.Diff(rows, r.rows(t)); diff != "" {
		t.Errorf("rows (-before +after): %s", diff)
	}
	if diff := cmp.Diff(parked, r.texts(t, queues)); diff != "" {
		t.Errorf("parked (-before +after): %s", diff)
	}
}
