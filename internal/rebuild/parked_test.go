package rebuild_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/projections"
)

// unknown appends an event that this build cannot read, and some that it can.
func (r *replica) unknown(t *testing.T, id uuid.UUID) {
	t.Helper()
	version, err := r.log.Version(t.Context(), domain.StreamType, id)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range []eventstore.Event{
		{Type: "UserTeleported", SchemaVersion: 1, Data: []byte(`{}`)},
		{Type: "RoleGranted", SchemaVersion: 1, Data: []byte(`{"role":"late"}`)},
	} {
		e.ID = uuid.Must(uuid.NewV7())
		_, err := r.log.Append(t.Context(), eventstore.Command{
			StreamType: domain.StreamType, StreamID: id, ExpectedVersion: version + i, Events: []eventstore.Event{e},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

const queues = `
SELECT subscription || ' ' || user_id || ' ' || position || ' ' || CASE state WHEN 'dead' THEN 'retrying' ELSE state END FROM derived.dead_letters
UNION ALL SELECT name || ' ' || parked FROM derived.subscriptions ORDER BY 1`

func TestRebuildParksWhatFails(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.history(t, 10, 60)
	r.unknown(t, r.ids[0])
	r.unknown(t, r.ids[1])
	r.work(t)
	r.caughtUp(t)
	letters, err := r.relay.DeadLetters(t.Context(), "", "", outbox.LetterPlace{}, 100)
	if err != nil || len(letters) != 4 {
		t.Fatalf("%d letters, %v", len(letters), err)
	}
	if _, err := r.relay.Skip(t.Context(), letters[0].ID, "tester", "never again"); err != nil {
		t.Fatal(err)
	}
	rows, parked := r.rows(t), r.texts(t, queues)
	r.exec(t, `UPDATE derived.dead_letters SET state = 'dead', attempts = 12 WHERE state = 'retrying'`)
	if n := r.rebuild(t, "user_profiles"); n != 0 {
		t.Errorf("%d users differ", n)
	}
	if diff := cmp.Diff(rows, r.rows(t)); diff != "" {
		t.Errorf("rows (-before +after): %s", diff)
	}
	if diff := cmp.Diff(parked, r.texts(t, queues)); diff != "" {
		t.Errorf("parked (-before +after): %s", diff)
	}
	skipped, err := r.relay.DeadLetters(t.Context(), "", outbox.Skipped, outbox.LetterPlace{}, 100)
	if err != nil || len(skipped) != 1 || skipped[0].SkipReason == nil || *skipped[0].SkipReason != "never again" {
		t.Errorf("what was given up: %+v, %v", skipped, err)
	}
}

// What had failed before, and does not any more, is parked no longer.
func TestRebuildReleasesWhatWasMended(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.history(t, 10, 60)
	r.work(t)
	r.caughtUp(t)
	rows := r.rows(t)
	head, err := r.log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.exec(t, `INSERT INTO derived.dead_letters (id, subscription, user_id, position, state) VALUES (gen_random_uuid(), 'user_profiles', $1, $2, 'dead')`, r.ids[3], head.Position)
	r.exec(t, `UPDATE derived.subscriptions SET parked = 1`)
	r.exec(t, `UPDATE derived.user_profiles SET roles = '{}' WHERE user_id = $1`, r.ids[3])
	r.rebuild(t, "user_profiles")
	if diff := cmp.Diff(rows, r.rows(t)); diff != "" {
		t.Errorf("rows (-before +after): %s", diff)
	}
	if parked := r.texts(t, queues); len(parked) != 1 || parked[0] != "user_profiles 0" {
		t.Errorf("parked: %v", parked)
	}
}

// Commands, events of other domains, lists and reads by id go on while everything is rebuilt again and again.
func TestRebuildBesideWriters(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.history(t, 30, 300)
	r.work(t)
	r.caughtUp(t)
	tables := r.texts(t, catalogue)
	stop := make(chan struct{})
	var busy sync.WaitGroup
	for n := range 4 {
		busy.Go(func() {
			rng := rand.New(rand.NewPCG(3, uint64(n))) // a reproducible history
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := r.happens(t.Context(), rng); err != nil {
					t.Error(err)
					return
				}
				user, err := r.Get(t.Context(), r.ids[rng.IntN(len(r.ids))])
				if err != nil || user.User.Version == 0 {
					t.Errorf("read %+v, %v", user, err)
				}
				if page, err := r.profiles.List(t.Context(), firstPage, 0, 0); err != nil || len(page.Profiles) == 0 {
					t.Errorf("listed %d users, %v", len(page.Profiles), err)
				}
				r.listPast(t)
			}
		})
	}
	for range 4 {
		if n := r.rebuild(t, "user_profiles"); n != 0 {
			t.Errorf("%d users differ", n)
		}
		r.wantIndexedFirst(t, true)
		r.rebuild(t, "snapshots")
	}
	if diff := cmp.Diff(tables, r.texts(t, catalogue)); diff != "" {
		t.Errorf("tables (-before +after): %s", diff)
	}
	close(stop)
	busy.Wait()
	r.caughtUp(t)
	if n := r.rebuild(t, "user_profiles"); n != 0 {
		t.Errorf("in the end %d users differ", n)
	}
}

// listPast reads all tables of users, as of now.
func (r *replica) listPast(t *testing.T) {
	t.Helper()
	head, err := r.log.Head(t.Context())
	if err != nil {
		t.Error(err)
		return
	}
	q := projections.Query{Role: "admin", Limit: 10, Order: projections.Order{By: "createdAt"}}
	if _, err := r.profiles.ListAt(t.Context(), q, projections.At(head.Place), 20*time.Second); err != nil {
		t.Errorf("list admins as of position %d: %v", head.Position, err)
	}
}

func TestRebuildOfSnapshots(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.history(t, 5, 200)
	const snapshots = `SELECT s::text FROM derived.snapshots s ORDER BY stream_id, schema, version`
	r.rebuild(t, "snapshots")
	right := r.texts(t, snapshots)
	r.exec(t, `UPDATE derived.snapshots SET state = '{"email":"nobody@example.com"}' WHERE stream_id = $1`, r.ids[0])
	r.exec(t, `DELETE FROM derived.snapshots WHERE stream_id = $1`, r.ids[1])
	r.rebuild(t, "snapshots")
	if diff := cmp.Diff(right, r.texts(t, snapshots)); diff != "" || len(right) == 0 {
		t.Errorf("of %d snapshots (-right +after): %s", len(right), diff)
	}
	user, err := r.Get(t.Context(), r.ids[0])
	if err != nil || user.User.Email == "nobody@example.com" {
		t.Errorf("%+v, %v", user, err)
	}
}
