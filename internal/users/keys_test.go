package users_test

import (
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/pgtest"
	"github.com/usersvc/usersvc/internal/users"
)

func keyed(q users.Request, caller, key, body string) users.Request {
	q.Key = &users.IdempotencyKey{Caller: caller, Key: key, Fingerprint: sha256.Sum256([]byte(body)), Status: 201}
	return q
}

func TestKeyGivesTheFirstAnswerAgain(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	here, there := openOn(t, pool), openOn(t, pool)
	create := func() users.Request {
		return keyed(request(newID(), domain.CreateUser{Email: address(t, "a@example.com"), DisplayName: "Ada"}), "me", "k", "create")
	}
	first := here.must(t, create())
	here.must(t, request(first.User.ID, domain.Suspend{Reason: "spam"}))
	for name, r := range map[string]*replica{"here": here, "there": there} {
		again := r.must(t, create())
		if !again.Replayed || again.Status != 201 {
			t.Errorf("%s: replayed %v with status %d", name, again.Replayed, again.Status)
		}
		if diff := cmp.Diff(first.View, again.View, sameUser); diff != "" {
			t.Errorf("%s (-first +again): %s", name, diff)
		}
	}
	other := create()
	other.Key.Fingerprint[0]++
	if _, err := there.Execute(t.Context(), other); !errors.Is(err, users.ErrKeyReused) {
		t.Errorf("the key with another request: %v, want ErrKeyReused", err)
	}
	other = create()
	other.Key.Caller = "somebody else"
	if _, err := there.Execute(t.Context(), other); !errors.Is(err, domain.ErrEmailTaken) {
		t.Errorf("the key of another caller: %v, want a decision of its own", err)
	}
}

func TestKeyIsKeptOfACommandThatChangedNothingAndNotOfARefusedOne(t *testing.T) {
	t.Parallel()
	r := open(t)
	id := r.create(t)
	nothing := keyed(request(id, domain.RevokeRole{Role: "admin"}), "me", "nothing", "revoke")
	first := r.must(t, nothing)
	refused := keyed(request(id, domain.Reactivate{}), "me", "refused", "reactivate")
	if _, err := r.Execute(t.Context(), refused); !errors.Is(err, domain.ErrNotSuspended) {
		t.Fatal(err)
	}
	r.must(t, request(id, domain.GrantRole{Role: "admin"}))
	r.must(t, request(id, domain.Suspend{Reason: "spam"}))

	again := r.must(t, nothing)
	if diff := cmp.Diff(first.View, again.View, sameUser); diff != "" || !again.Replayed {
		t.Errorf("replayed %v (-first +again): %s", again.Replayed, diff)
	}
	if got := r.must(t, refused); got.Replayed || got.User.Status != domain.Active {
		t.Errorf("the refused command, now possible: %+v", got)
	}
}

func TestKeySentManyTimesAtOnceHappensOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	replicas := []*replica{openOn(t, pool), openOn(t, pool)}
	results := make([]users.Result, 5)
	errs := together(5, func(i int) (err error) {
		q := keyed(request(newID(), domain.CreateUser{Email: address(t, "a@example.com"), DisplayName: "Ada"}), "me", "k", "create")
		results[i], err = replicas[i%2].Execute(t.Context(), q)
		return err
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for _, result := range results[1:] {
		if diff := cmp.Diff(results[0].View, result.View, sameUser); diff != "" {
			t.Error("two answers differ:", diff)
		}
	}
	if n := len(replicas[0].stored(t)); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}
