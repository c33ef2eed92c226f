package projections_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/projections"
)

// randomActivity is about one of some users, as often up as down.
func randomActivity(rng *rand.Rand, about ...uuid.UUID) domain.Activity {
	id := about[rng.IntN(len(about))]
	return []domain.Activity{
		domain.PostCreated{AuthorID: id}, domain.PostDeleted{AuthorID: id},
		domain.UserFollowed{FollowerID: newID(), FollowedUserID: id}, domain.UserUnfollowed{FollowerID: newID(), FollowedUserID: id},
	}[rng.IntN(4)]
}

// counters reads a user's current ones.
func (h *history) counters(t *testing.T, id uuid.UUID) projections.Activity {
	t.Helper()
	current, err := projections.NewProfiles(h.pool).Current(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return current.Activity
}

// tally is a second opinion, from the events and by code that shares nothing with the service.
type tally struct {
	posts, followers int
	position         int64
}

func (c tally) after(e eventstore.Recorded) tally {
	before := c
	switch e.Type {
	case "PostCreated":
		c.posts++
	case "PostDeleted":
		c.posts = max(c.posts-1, 0)
	case "UserFollowed":
		c.followers++
	case "UserUnfollowed":
		c.followers = max(c.followers-1, 0)
	}
	if c != before {
		c.position = e.Position
	}
	return c
}

// Random activity about users of whom some come late and some never; asked about at every position.
func TestCountersEqualAnIndependentTally(t *testing.T) {
	t.Parallel()
	h := open(t)
	rng := rand.New(rand.NewPCG(7, 8))
	ids := []uuid.UUID{newID(), newID(), newID(), newID()}
	const events = 200
	for i := range events {
		if i == 0 || i == 60 || i == 120 {
			h.happened(t, ids[i/60], domain.UserCreated{Email: ids[i/60].String() + "@example.com", DisplayName: "Late"})
			continue
		}
		h.reported(t, randomActivity(rng, ids...))
	}
	log := h.behind(t, 0)
	p := projections.NewProfiles(h.pool)
	tallies := map[uuid.UUID]tally{}
	for i := 0; i < len(log); i += 7 {
		batch := log[i:min(i+7, len(log))]
		if err := h.apply(t, batch, 7); err != nil {
			t.Fatal(err)
		}
		for _, e := range batch {
			about := projections.UserOf(e)
			tallies[about] = tallies[about].after(e)
			for _, id := range ids {
				h.checkAt(t, p, id, e.Position, tallies[id])
			}
		}
		for n, id := range ids[:3] {
			if len(log[:i]) > n*60 { // it exists
				h.checkNow(t, id, tallies[id])
			}
		}
	}
	for _, id := range ids {
		if tallies[id].position == 0 {
			t.Errorf("nothing was counted for %s: the test has lost its way", id)
		}
	}
}

// at is the place of a position.
func (h *history) at(t *testing.T, position int64) projections.Moment {
	t.Helper()
	return at(h.behind(t, position-1)[0])
}

func (h *history) checkAt(t *testing.T, p *projections.Profiles, id uuid.UUID, position int64, want tally) {
	t.Helper()
	got, err := p.ActivityAt(t.Context(), id, h.at(t, position), 0)
	if err != nil || (tally{got.PostCount, got.FollowerCount, got.Position}) != want {
		t.Fatalf("at position %d: %+v, %v, want %+v", position, got, err, want)
	}
}

func (h *history) checkNow(t *testing.T, id uuid.UUID, want tally) {
	t.Helper()
	if got := h.counters(t, id); (tally{got.PostCount, got.FollowerCount, got.Position}) != want {
		t.Fatalf("now: %+v, want %+v", got, want)
	}
}

func TestActivityBeforeAUserExistsCountsOnceItDoes(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 2, 100} {
		h := open(t)
		id := newID()
		h.reported(t, domain.PostCreated{AuthorID: id})
		h.reported(t, domain.UserFollowed{FollowerID: newID(), FollowedUserID: id})
		h.happened(t, id, domain.UserCreated{Email: "ada@example.com", DisplayName: "Ada"})
		h.reported(t, domain.PostCreated{AuthorID: id})
		h.happened(t, id, domain.UserDeleted{})
		h.reported(t, domain.PostCreated{AuthorID: id})
		if err := h.apply(t, h.behind(t, 0), size); err != nil {
			t.Fatal(err)
		}
		want := projections.Activity{PostCount: 3, FollowerCount: 1, Position: 6}
		if diff := cmp.Diff(want, h.counters(t, id)); diff != "" {
			t.Errorf("in batches of %d (-want +got): %s", size, diff)
		}
	}
}

// Each event again, at once and late: the ledger knows by position what it had.
func TestActivityThatArrivesTwiceCountsOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := newID()
	h.happened(t, id, domain.UserCreated{Email: "ada@example.com", DisplayName: "Ada"})
	h.reported(t, domain.PostDeleted{AuthorID: id}) // of which nothing is seen
	for range 3 {
		h.reported(t, domain.PostCreated{AuthorID: id})
	}
	h.reported(t, domain.PostDeleted{AuthorID: id})
	h.applyAll(t)
	want := h.rows(t)
	events := h.behind(t, 0)
	for _, again := range [][]eventstore.Recorded{events, events[1:4], events[5:], events[1:2]} {
		if err := h.apply(t, again, 2); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, h.rows(t)); diff != "" {
		t.Error("rows (-once +twice):", diff)
	}
}

// One that could not be read when it was its turn is not taken for counted.
func TestActivityThatWasOvertakenIsAnError(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := newID()
	h.happened(t, id, domain.UserCreated{Email: "ada@example.com", DisplayName: "Ada"})
	for range 3 {
		h.reported(t, domain.PostCreated{AuthorID: id})
	}
	events := h.behind(t, 0)
	for _, some := range [][]eventstore.Recorded{events[:2], events[3:]} {
		if err := h.apply(t, some, 2); err != nil {
			t.Fatal(err)
		}
	}
	want := h.rows(t)
	if err := h.apply(t, events[2:3], 2); err == nil || !strings.Contains(err.Error(), "overtaken") {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(want, h.rows(t)); diff != "" {
		t.Error("rows (-before +after):", diff)
	}
}

func TestActivityThatThisBuildDoesNotKnowIsAnError(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.stored(t, newID(), domain.ActivityType, eventstore.Event{ID: newID(), Type: "PostLiked", SchemaVersion: 1, Data: []byte(`{}`)})
	var unknown *domain.UnknownEvent
	if err := h.apply(t, h.behind(t, 0), 10); !errors.As(err, &unknown) {
		t.Errorf("apply: %v, want UnknownEvent", err)
	}
}

func TestUserOf(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := newID()
	h.happened(t, id, domain.UserCreated{Email: "ada@example.com", DisplayName: "Ada"})
	h.reported(t, domain.PostDeleted{AuthorID: id})
	h.reported(t, domain.UserFollowed{FollowerID: newID(), FollowedUserID: id})
	strange := newID()
	h.stored(t, strange, domain.ActivityType, eventstore.Event{ID: newID(), Type: "PostLiked", SchemaVersion: 1, Data: []byte(`{}`)})
	for i, want := range []uuid.UUID{id, id, id, strange} {
		if got := projections.UserOf(h.behind(t, 0)[i]); got != want {
			t.Errorf("event %d is about %s, want %s", i+1, got, want)
		}
	}
}

// Only activity is waited for: the past of users themselves is in the log.
func TestPastActivityWaitsForTheProjection(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := newID()
	h.happened(t, id, domain.UserCreated{Email: "ada@example.com", DisplayName: "Ada"})
	p := projections.NewProfiles(h.pool)
	if got, err := p.ActivityAt(t.Context(), id, h.at(t, 1), 0); err != nil || got != (projections.Activity{}) {
		t.Errorf("with nothing to wait for: %+v, %v", got, err)
	}
	h.reported(t, domain.PostCreated{AuthorID: newID()}) // about somebody else, but who knows?
	h.reported(t, domain.PostCreated{AuthorID: id})
	if _, err := p.ActivityAt(t.Context(), id, h.at(t, 2), 30*time.Millisecond); !errors.Is(err, projections.ErrLagging) {
		t.Errorf("while the relay stands: %v, want ErrLagging", err)
	}
	if _, err := p.ActivityAt(t.Context(), id, h.at(t, 1), 0); err != nil {
		t.Errorf("before what the relay has not had: %v", err)
	}
	answer := make(chan projections.Activity)
	go func() {
		a, err := p.ActivityAt(t.Context(), id, h.at(t, 3), time.Minute)
		if err != nil {
			t.Error(err)
		}
		answer <- a
	}()
	h.applyAll(t)
	p.Moved()
	if a := <-answer; a != (projections.Activity{PostCount: 1, Position: 3}) {
		t.Errorf("after waiting: %+v", a)
	}
}

// An event that was parked is passed by the checkpoint, and not in the ledger yet.
func TestPastActivityIsNotFinalWhileAnEventIsParked(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := newID()
	h.reported(t, domain.PostCreated{AuthorID: id})
	h.reported(t, domain.PostCreated{AuthorID: id})
	events := h.behind(t, 0)
	if err := h.apply(t, events[:1], 1); err != nil {
		t.Fatal(err)
	}
	h.exec(t, `UPDATE derived.subscriptions SET checkpoint = 2`)
	h.exec(t, `INSERT INTO derived.dead_letters (id, subscription, user_id, position, state) VALUES ($1, 'user_profiles', $2, 2, 'dead')`, newID(), id)
	p := projections.NewProfiles(h.pool)
	if _, err := p.ActivityAt(t.Context(), id, h.at(t, 2), time.Minute); !errors.Is(err, projections.ErrLagging) {
		t.Errorf("behind it: %v, want ErrLagging", err)
	}
	h.checkAt(t, p, id, 1, tally{1, 0, 1})
	h.checkAt(t, p, newID(), 2, tally{})
	h.exec(t, `UPDATE derived.dead_letters SET state = 'skipped'`)
	h.checkAt(t, p, id, 2, tally{1, 0, 1})
}

func (h *history) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := h.pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}
