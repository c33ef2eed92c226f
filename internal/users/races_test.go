package users_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/pgtest"
	"github.com/usersvc/usersvc/internal/users"
)

// together runs n requests at once and returns their errors.
func together(n int, do func(i int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() { <-start; errs[i] = do(i) })
	}
	close(start)
	wg.Wait()
	return errs
}

func role(i int) domain.Role { return domain.Role(fmt.Sprintf("role-%02d", i)) }

func TestCommandsForOneUserAllGoThroughInOneProcess(t *testing.T) {
	t.Parallel()
	r := open(t)
	id := r.create(t)
	errs := together(64, func(i int) error {
		_, err := r.Execute(t.Context(), request(id, domain.GrantRole{Role: role(i)}))
		return err
	})
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	history, _, err := r.History(t.Context(), id, 0, 200, true)
	if err != nil || len(history) != 65 {
		t.Errorf("%d entries in the history (%v), want 65", len(history), err)
	}
}

func TestCommandsForOneUserFromTwoProcesses(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	replicas := []*replica{openOn(t, pool), openOn(t, pool)}
	id := replicas[0].create(t)
	errs := together(64, func(i int) error {
		_, err := replicas[i%2].Execute(t.Context(), request(id, domain.GrantRole{Role: role(i)}))
		return err
	})
	user := model(id, replicas[0].stored(t))
	for i, err := range errs {
		var conflict *users.VersionConflict
		held := slices.Contains(user.Roles, string(role(i)))
		switch {
		case err == nil && !held:
			t.Errorf("role %d was granted and is not in the history", i)
		case err != nil && (held || !errors.As(err, &conflict)):
			t.Errorf("role %d: %v, though held is %v", i, err, held)
		}
	}
}

func TestUnderIfMatchOneWriterWinsEachVersion(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	replicas := []*replica{openOn(t, pool), openOn(t, pool)}
	id := replicas[0].create(t)
	for version := 1; version <= 10; version++ {
		errs := together(8, func(i int) error {
			q := request(id, domain.GrantRole{Role: role(8*version + i)})
			q.IfMatch = users.IfMatch{Versions: []int{version}}
			_, err := replicas[i%2].Execute(t.Context(), q)
			return err
		})
		won := 0
		for _, err := range errs {
			var failed *users.PreconditionFailed
			switch {
			case err == nil:
				won++
			case !errors.As(err, &failed) || failed.Current <= version:
				t.Errorf("at version %d: %v, want PreconditionFailed with a later one", version, err)
			}
		}
		if won != 1 {
			t.Fatalf("%d writers won version %d, want 1", won, version)
		}
	}
}

// One process has the user in its cache; the other changes it.
func TestAnswersNeverRestOnTheCacheAlone(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	here, there := openOn(t, pool), openOn(t, pool)
	id := here.create(t)
	here.must(t, request(id, domain.GrantRole{Role: "admin"}))

	there.must(t, request(id, domain.RevokeRole{Role: "admin"}))
	if got := here.must(t, request(id, domain.GrantRole{Role: "admin"})); !slices.Contains(got.User.Roles, "admin") || got.User.Version != 4 {
		t.Errorf("granting a role that was revoked elsewhere: %+v, want an event", got.User)
	}
	there.must(t, request(id, domain.Suspend{Reason: "spam"}))
	if _, err := here.Execute(t.Context(), request(id, domain.GrantRole{Role: "editor"})); !errors.Is(err, domain.ErrUserSuspended) {
		t.Errorf("granting to a user suspended elsewhere: %v, want ErrUserSuspended", err)
	}
	there.must(t, request(id, domain.Reactivate{}))
	here.must(t, request(id, domain.Suspend{Reason: "again"})) // the cache says suspended still: no 409
	there.must(t, request(id, domain.Reactivate{}))
	q := request(id, domain.GrantRole{Role: "viewer"})
	q.IfMatch = users.IfMatch{Versions: []int{8}} // the real one; the cache knows 7
	here.must(t, q)
	q.IfMatch = users.IfMatch{Versions: []int{8}}
	var failed *users.PreconditionFailed
	if _, err := there.Execute(t.Context(), q); !errors.As(err, &failed) || failed.Current != 9 {
		t.Errorf("the old version elsewhere: %v, want PreconditionFailed at 9", err)
	}
	there.must(t, request(id, domain.DeleteUser{}))
	if _, err := here.Execute(t.Context(), request(id, domain.GrantRole{Role: "late"})); !errors.Is(err, domain.ErrUserDeleted) {
		t.Errorf("granting to a user deleted elsewhere: %v, want ErrUserDeleted", err)
	}
}

// Nor does a refusal rest on it: without a race, whatever the user really is decides about a condition.
func TestConditionsAreNotTestedOnTheCacheAlone(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	here, there := openOn(t, pool), openOn(t, pool)
	id := here.create(t)
	granted := 0
	grant := func(condition users.IfMatch) (err error) {
		granted++
		q := request(id, domain.GrantRole{Role: domain.Role("role-" + strconv.Itoa(granted))})
		q.IfMatch = condition
		_, err = here.Execute(t.Context(), q)
		return err
	}
	for condition, want := range map[string]struct {
		users.IfMatch
		ok bool
	}{
		"any version":            {users.IfMatch{Exists: true}, true},
		"the old one and others": {users.IfMatch{Versions: []int{1, 2, 3, 4, 5, 6, 7, 8, 9}}, true},
		"the old one":            {users.IfMatch{Versions: []int{1}}, false},
	} {
		there.must(t, request(id, domain.GrantRole{Role: domain.Role("before-" + strconv.Itoa(granted))}))
		if err := grant(want.IfMatch); (err == nil) != want.ok {
			t.Errorf("%s: %v", condition, err)
		}
	}
	there.must(t, request(id, domain.DeleteUser{}))
	if err := grant(users.IfMatch{Versions: []int{1}}); !errors.Is(err, domain.ErrUserDeleted) {
		t.Errorf("a condition on a user deleted elsewhere: %v, want ErrUserDeleted", err)
	}
}

func TestAddressBelongsToOneUserHoweverItIsSpelt(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	replicas := []*replica{openOn(t, pool), openOn(t, pool)}
	const local = "ada.lovelace"
	errs := together(20, func(i int) error {
		spelt := strings.ToUpper(local[:i%len(local)]) + local[i%len(local):]
		_, err := replicas[i%2].Execute(t.Context(), request(newID(), domain.CreateUser{Email: address(t, spelt+"@Example.com"), DisplayName: "Ada"}))
		return err
	})
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, domain.ErrEmailTaken) {
			t.Errorf("%v, want ErrEmailTaken", err)
		}
	}
	if won != 1 {
		t.Errorf("%d users have the address, want 1", won)
	}
}

func TestAddressIsFreeOnceItIsGivenUp(t *testing.T) {
	t.Parallel()
	r := open(t)
	create := func(local string) uuid.UUID {
		id := newID()
		r.must(t, request(id, domain.CreateUser{Email: address(t, local+"@example.com"), DisplayName: "Ada"}))
		return id
	}
	first := create("a")
	r.must(t, request(first, domain.ChangeEmail{Email: address(t, "b@example.com")}))
	second := create("A")
	r.must(t, request(second, domain.DeleteUser{}))
	r.must(t, request(first, domain.ChangeEmail{Email: address(t, "a@example.com")}))
	create("b")
	if _, err := r.Execute(t.Context(), request(first, domain.ChangeEmail{Email: address(t, "B@example.com")})); !errors.Is(err, domain.ErrEmailTaken) {
		t.Errorf("taking a held address: %v", err)
	}
	r.must(t, request(first, domain.ChangeEmail{Email: address(t, "A@EXAMPLE.com")})) // another spelling of one's own
}

// Whoever creates a user does not look whether it is there, and another replica's is not in the cache.
func TestUserOfAnotherReplicaExists(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	here, there := openOn(t, pool), openOn(t, pool)
	_, err := there.Execute(t.Context(), request(here.create(t), domain.CreateUser{Email: address(t, "ada@example.com"), DisplayName: "Ada"}))
	if !errors.Is(err, domain.ErrUserExists) {
		t.Errorf("got %v, want ErrUserExists", err)
	}
}
