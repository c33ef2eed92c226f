package users_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/activity"
	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/users"
)

// follow has the relay work until the test ends.
func (r *replica) follow(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { r.relay.Run(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done })
}

// reported takes in events of other domains about users.
func (r *replica) reported(t *testing.T, what ...domain.Activity) {
	t.Helper()
	var events []activity.Event
	for _, w := range what {
		events = append(events, activity.Event{Origin: domain.Origin{Source: "/test", ID: uuid.NewString()}, What: w})
	}
	results, err := activity.New(r.log).Take(t.Context(), activity.Cause{Actor: "tester", Source: "test"}, events)
	if err := errors.Join(append(results, err)...); err != nil {
		t.Fatal(err)
	}
}

// A user who is remembered is shown with the counters of today.
func TestCountersOfAnAnswerAreNotRemembered(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.follow(t)
	id := r.create(t)
	for posts := 1; posts <= 2; posts++ {
		r.reported(t, domain.PostCreated{AuthorID: id})
		r.awaitPosts(t, id, posts)
		keyed := request(id, domain.GrantRole{Role: domain.Role("keyed-" + strconv.Itoa(posts))})
		keyed.Key = &users.IdempotencyKey{Caller: "tester", Key: newID().String()}
		for _, q := range []users.Request{keyed, request(id, domain.GrantRole{Role: domain.Role("plain-" + strconv.Itoa(posts))}), keyed} {
			if got := r.must(t, q); got.Activity.PostCount != posts {
				t.Errorf("after %d posts a command answers %+v (replayed: %v)", posts, got.Activity, got.Replayed)
			}
		}
	}
}

func (r *replica) awaitPosts(t *testing.T, id uuid.UUID, posts int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; <-time.After(10 * time.Millisecond) {
		current, err := r.Get(t.Context(), id)
		if err == nil && current.Activity.PostCount == posts {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d posts are not counted: %+v, %v", posts, current.Activity, err)
		}
	}
}

func randomActivity(rng *rand.Rand, about []uuid.UUID) domain.Activity {
	id := about[rng.IntN(len(about))]
	return []domain.Activity{
		domain.PostCreated{AuthorID: id}, domain.PostDeleted{AuthorID: id},
		domain.UserFollowed{FollowerID: newID(), FollowedUserID: id}, domain.UserUnfollowed{FollowerID: newID(), FollowedUserID: id},
	}[rng.IntN(4)]
}

// counted is a second opinion on a user's counters, up to and with one of the events of the log.
func counted(id uuid.UUID, events []storedEvent) (a projections.Activity) {
	down := func(n int) int { return max(n-1, 0) }
	for _, e := range events {
		before := a
		switch about := id.String(); {
		case e.typ == "PostCreated" && e.data["authorId"] == about:
			a.PostCount++
		case e.typ == "PostDeleted" && e.data["authorId"] == about:
			a.PostCount = down(a.PostCount)
		case e.typ == "UserFollowed" && e.data["followedUserId"] == about:
			a.FollowerCount++
		case e.typ == "UserUnfollowed" && e.data["followedUserId"] == about:
			a.FollowerCount = down(a.FollowerCount)
		}
		if a != before {
			a.Position = e.position
		}
	}
	return a
}

// Users and what is reported about them, before they exist as well, asked about at every event: by
// position, by time, by version, and as they are at last.
func TestCountersOfThePastEqualAnIndependentCount(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.follow(t)
	rng := rand.New(rand.NewPCG(5, 6))
	ids := []uuid.UUID{newID(), newID(), newID()}
	for i := range 120 {
		if i%30 == 5 && i/30 < len(ids) {
			id := ids[i/30]
			r.must(t, request(id, domain.CreateUser{Email: address(t, id.String()+"@example.com"), DisplayName: "Late"}))
		}
		if i >= 70 && i%10 == 0 {
			role := domain.Role([]string{"a", "b", "c", "d", "e", "f"}[i/10-6])
			r.must(t, request(ids[rng.IntN(len(ids))], domain.GrantRole{Role: role}))
		}
		r.reported(t, randomActivity(rng, ids), randomActivity(rng, ids))
	}
	events := r.stored(t)
	for n, e := range events {
		for _, id := range ids {
			want := counted(id, events[:n+1])
			r.checkActivity(t, id, users.Point{Position: e.position}, want)
			if n+1 == len(events) || !events[n+1].at.Equal(e.at) { // the last of its instant
				r.checkActivity(t, id, users.Point{Time: e.at}, want)
			}
			if e.stream == id {
				r.checkActivity(t, id, users.Point{Version: e.version}, want)
			}
		}
	}
	for _, id := range ids {
		got, err := r.Get(t.Context(), id)
		if want := counted(id, events); err != nil || got.Activity != want {
			t.Errorf("now: %+v, %v, want %+v", got.Activity, err, want)
		}
	}
}

func (r *replica) checkActivity(t *testing.T, id uuid.UUID, p users.Point, want projections.Activity) {
	t.Helper()
	got, err := r.At(t.Context(), id, p)
	if errors.Is(err, users.ErrNotYetExisting) {
		return
	}
	if err != nil || got.Activity != want {
		t.Fatalf("at %+v: %+v, %v, want %+v", p, got.Activity, err, want)
	}
}

// The relay stands: what it has not had cannot be told, and what lies before that can.
func TestPastWaitsForCountersAlone(t *testing.T) {
	t.Parallel()
	r := open(t)
	id := r.create(t)
	r.must(t, request(id, domain.GrantRole{Role: "admin"}))
	r.checkActivity(t, id, users.Point{Version: 2}, projections.Activity{})
	r.reported(t, domain.PostCreated{AuthorID: id})
	r.checkActivity(t, id, users.Point{Version: 2}, projections.Activity{})
	r.checkActivity(t, id, users.Point{Position: 2}, projections.Activity{})
	if _, err := r.At(t.Context(), id, users.Point{Position: 3}); !errors.Is(err, projections.ErrLagging) {
		t.Errorf("at a position that the relay has not had: %v, want ErrLagging", err)
	}
	head, err := r.log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.At(t.Context(), id, users.Point{Time: head.RecordedAt}); !errors.Is(err, projections.ErrLagging) {
		t.Errorf("at an instant that the relay has not had: %v, want ErrLagging", err)
	}
	r.checkActivity(t, id, users.Point{Time: head.RecordedAt.Add(-time.Microsecond)}, projections.Activity{})
	r.follow(t)
	r.checkActivity(t, id, users.Point{Position: 3}, projections.Activity{PostCount: 1, Position: 3})
}
