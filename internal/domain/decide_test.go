package domain_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// fold applies events a second apart, the first at noon.
func fold(events ...domain.Event) domain.User {
	u := domain.NewUser(uuid.MustParse("01935b1e-7c00-7000-8000-000000000001"))
	for i, e := range events {
		u = u.Apply(e, noon.Add(time.Duration(i)*time.Second))
	}
	return u
}

func email(s string) domain.Email {
	e, err := domain.ParseEmail(s)
	if err != nil {
		panic(err)
	}
	return e
}

// Histories that most rules start from.
type events = []domain.Event

var (
	created     = domain.UserCreated{Email: "Ada@example.com", DisplayName: "Ada Lovelace", FirstName: "Ada", LastName: "Lovelace"}
	suspension  = domain.UserSuspended{Reason: "spam"}
	nobody      = events{}
	active      = events{created}
	suspended   = events{created, suspension}
	deleted     = events{created, domain.UserDeleted{}}
	admin       = events{created, domain.RoleGranted{Role: "admin"}}
	manyRoles   = append(events{created}, grants(100)...)
	withoutLast = events{domain.UserCreated{Email: "ada@example.com", DisplayName: "Ada", FirstName: "Ada"}}
)

func grants(n int) (granted events) {
	for i := range n {
		granted = append(granted, domain.RoleGranted{Role: fmt.Sprintf("role%d", i)})
	}
	return granted
}

// rule is one line of the contract: given a history, when a command comes,
// then these events happen, or this error does.
type rule struct {
	name  string
	given events
	when  domain.Command
	then  events
	err   error
}

func check(t *testing.T, rules []rule) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			got, err := r.when.Decide(fold(r.given...))
			if diff := cmp.Diff(r.err, err); diff != "" {
				t.Fatalf("error (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(r.then, got); diff != "" {
				t.Fatalf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func missing(field string) error {
	return &domain.Error{Kind: domain.Invalid, Code: "required", Message: field + " must not be empty.", Field: field}
}

func TestCreateUser(t *testing.T) {
	ada := email("Ada@example.com")
	long := domain.Name(strings.Repeat("ä", 100))
	tooLong := &domain.Error{Kind: domain.Invalid, Code: "too_long", Message: "displayName must have at most 200 characters.", Field: "displayName"}
	check(t, []rule{
		{name: "happens", given: nobody,
			when: domain.CreateUser{Email: ada, DisplayName: "Countess", FirstName: "Ada", LastName: "Lovelace"},
			then: events{domain.UserCreated{Email: "Ada@example.com", DisplayName: "Countess", FirstName: "Ada", LastName: "Lovelace"}}},
		{name: "with a display name alone", given: nobody,
			when: domain.CreateUser{Email: ada, DisplayName: "Countess"},
			then: events{domain.UserCreated{Email: "Ada@example.com", DisplayName: "Countess"}}},
		{name: "joins the names", given: nobody,
			when: domain.CreateUser{Email: ada, FirstName: "Ada", LastName: "Lovelace"},
			then: events{created}},
		{name: "with a first name alone", given: nobody,
			when: domain.CreateUser{Email: ada, FirstName: "Ada"},
			then: events{domain.UserCreated{Email: "Ada@example.com", DisplayName: "Ada", FirstName: "Ada"}}},
		{name: "with a last name alone", given: nobody,
			when: domain.CreateUser{Email: ada, LastName: "Lovelace"},
			then: events{domain.UserCreated{Email: "Ada@example.com", DisplayName: "Lovelace", LastName: "Lovelace"}}},
		{name: "joined names of 200 characters", given: nobody,
			when: domain.CreateUser{Email: ada, FirstName: long, LastName: long[:2*99]},
			then: events{domain.UserCreated{Email: "Ada@example.com", DisplayName: string(long + " " + long[:2*99]), FirstName: string(long), LastName: string(long[:2*99])}}},
		{name: "joined names of 201 characters are refused", given: nobody,
			when: domain.CreateUser{Email: ada, FirstName: long, LastName: long}, err: tooLong},
		{name: "no name at all is refused", given: nobody,
			when: domain.CreateUser{Email: ada}, err: missing("displayName")},
		{name: "no address is refused", given: nobody,
			when: domain.CreateUser{DisplayName: "Ada"}, err: missing("email")},
		{name: "an id in use is refused", given: active,
			when: domain.CreateUser{Email: ada, DisplayName: "Ada"}, err: domain.ErrUserExists},
		{name: "the id of a deleted user is refused", given: deleted,
			when: domain.CreateUser{Email: ada, DisplayName: "Ada"}, err: domain.ErrUserExists},
		{name: "a bad value is named before the state", given: active,
			when: domain.CreateUser{Email: ada}, err: missing("displayName")},
	})
}

func TestChangeEmail(t *testing.T) {
	other := domain.ChangeEmail{Email: email("ada@example.org")}
	same := domain.ChangeEmail{Email: email("Ada@example.com")}
	check(t, []rule{
		{name: "happens", given: active, when: other, then: events{domain.UserEmailChanged{NewEmail: "ada@example.org"}}},
		{name: "another spelling is a change", given: active,
			when: domain.ChangeEmail{Email: email("ADA@example.com")},
			then: events{domain.UserEmailChanged{NewEmail: "ADA@example.com"}}},
		{name: "after a suspension", given: append(suspended, domain.UserReactivated{}), when: other,
			then: events{domain.UserEmailChanged{NewEmail: "ada@example.org"}}},
		{name: "the same address is nothing to do", given: active, when: same},
		{name: "no address is refused", given: active, when: domain.ChangeEmail{}, err: missing("email")},
		{name: "of a suspended user is refused", given: suspended, when: other, err: domain.ErrUserSuspended},
		{name: "of a suspended user is refused though nothing would change", given: suspended, when: same, err: domain.ErrUserSuspended},
		{name: "of nobody is refused", given: nobody, when: other, err: domain.ErrUserNotFound},
		{name: "of a deleted user is refused", given: deleted, when: other, err: domain.ErrUserDeleted},
	})
}

func TestChangeProfile(t *testing.T) {
	none, ada, lovelace, king := domain.Name(""), domain.Name("Ada"), domain.Name("Lovelace"), domain.Name("King")
	same := domain.ChangeProfile{FirstName: &ada}
	check(t, []rule{
		{name: "happens", given: active,
			when: domain.ChangeProfile{DisplayName: &king, FirstName: &none, LastName: &king},
			then: events{domain.UserProfileChanged{DisplayName: new("King"), FirstName: new(""), LastName: new("King")}}},
		{name: "carries only what differs", given: active,
			when: domain.ChangeProfile{FirstName: &ada, LastName: &king},
			then: events{domain.UserProfileChanged{LastName: new("King")}}},
		{name: "clears a name", given: active,
			when: domain.ChangeProfile{LastName: &none},
			then: events{domain.UserProfileChanged{LastName: new("")}}},
		{name: "does not touch the display name", given: withoutLast,
			when: domain.ChangeProfile{LastName: &lovelace},
			then: events{domain.UserProfileChanged{LastName: new("Lovelace")}}},
		{name: "the same names are nothing to do", given: active, when: same},
		{name: "no members are nothing to do", given: active, when: domain.ChangeProfile{}},
		{name: "clearing what is empty is nothing to do", given: withoutLast, when: domain.ChangeProfile{LastName: &none}},
		{name: "clearing the display name is refused", given: active, when: domain.ChangeProfile{DisplayName: &none}, err: missing("displayName")},
		{name: "of a suspended user is refused", given: suspended, when: domain.ChangeProfile{LastName: &king}, err: domain.ErrUserSuspended},
		{name: "of a suspended user is refused though nothing would change", given: suspended, when: same, err: domain.ErrUserSuspended},
		{name: "of nobody is refused", given: nobody, when: same, err: domain.ErrUserNotFound},
		{name: "of a deleted user is refused", given: deleted, when: same, err: domain.ErrUserDeleted},
	})
}

func TestSuspendAndReactivate(t *testing.T) {
	suspend := domain.Suspend{Reason: "spam"}
	check(t, []rule{
		{name: "suspend happens", given: active, when: suspend, then: events{suspension}},
		{name: "suspend again after reactivation", given: append(suspended, domain.UserReactivated{}), when: suspend, then: events{suspension}},
		{name: "suspend without reason is refused", given: active, when: domain.Suspend{}, err: missing("reason")},
		{name: "suspend a suspended user is refused", given: suspended, when: suspend, err: domain.ErrAlreadySuspended},
		{name: "suspend nobody is refused", given: nobody, when: suspend, err: domain.ErrUserNotFound},
		{name: "suspend a deleted user is refused", given: deleted, when: suspend, err: domain.ErrUserDeleted},
		{name: "reactivate happens", given: suspended, when: domain.Reactivate{}, then: events{domain.UserReactivated{}}},
		{name: "reactivate an active user is refused", given: active, when: domain.Reactivate{}, err: domain.ErrNotSuspended},
		{name: "reactivate twice is refused", given: append(suspended, domain.UserReactivated{}), when: domain.Reactivate{}, err: domain.ErrNotSuspended},
		{name: "reactivate nobody is refused", given: nobody, when: domain.Reactivate{}, err: domain.ErrUserNotFound},
		{name: "reactivate a deleted user is refused", given: deleted, when: domain.Reactivate{}, err: domain.ErrUserDeleted},
		{name: "reactivate a user deleted while suspended is refused", given: append(suspended, domain.UserDeleted{}), when: domain.Reactivate{}, err: domain.ErrUserDeleted},
	})
}

func TestRoles(t *testing.T) {
	grant, revoke := domain.GrantRole{Role: "admin"}, domain.RevokeRole{Role: "admin"}
	badRole := &domain.Error{Kind: domain.Invalid, Code: "invalid_role", Field: "role",
		Message: "A role must match ^[a-z][a-z0-9_.:-]{0,63}$."}
	check(t, []rule{
		{name: "grant happens", given: active, when: grant, then: events{domain.RoleGranted{Role: "admin"}}},
		{name: "grant the 100th role", given: append(events{created}, grants(99)...), when: grant, then: events{domain.RoleGranted{Role: "admin"}}},
		{name: "grant the 101st role is refused", given: manyRoles, when: grant, err: domain.ErrTooManyRoles},
		{name: "grant one of 100 held roles is nothing to do", given: manyRoles, when: domain.GrantRole{Role: "role42"}},
		{name: "grant a held role is nothing to do", given: admin, when: grant},
		{name: "grant no role is refused", given: active, when: domain.GrantRole{}, err: badRole},
		{name: "grant to a suspended user is refused", given: suspended, when: grant, err: domain.ErrUserSuspended},
		{name: "grant to a suspended user is refused though nothing would change", given: append(admin, suspension), when: grant, err: domain.ErrUserSuspended},
		{name: "grant to nobody is refused", given: nobody, when: grant, err: domain.ErrUserNotFound},
		{name: "grant to a deleted user is refused", given: deleted, when: grant, err: domain.ErrUserDeleted},
		{name: "revoke happens", given: admin, when: revoke, then: events{domain.RoleRevoked{Role: "admin"}}},
		{name: "revoke while suspended happens", given: append(admin, suspension), when: revoke, then: events{domain.RoleRevoked{Role: "admin"}}},
		{name: "revoke what is not held is nothing to do", given: active, when: revoke},
		{name: "revoke what is not held while suspended is nothing to do", given: suspended, when: revoke},
		{name: "revoke no role is refused", given: active, when: domain.RevokeRole{}, err: badRole},
		{name: "revoke from nobody is refused", given: nobody, when: revoke, err: domain.ErrUserNotFound},
		{name: "revoke from a deleted user is refused", given: append(admin, domain.UserDeleted{}), when: revoke, err: domain.ErrUserDeleted},
	})
}

func TestDeleteUser(t *testing.T) {
	check(t, []rule{
		{name: "happens", given: active, when: domain.DeleteUser{Reason: "moved"}, then: events{domain.UserDeleted{Reason: "moved"}}},
		{name: "without reason", given: active, when: domain.DeleteUser{}, then: events{domain.UserDeleted{}}},
		{name: "while suspended", given: suspended, when: domain.DeleteUser{}, then: events{domain.UserDeleted{}}},
		{name: "nobody is refused", given: nobody, when: domain.DeleteUser{}, err: domain.ErrUserNotFound},
		{name: "again is refused", given: deleted, when: domain.DeleteUser{}, err: domain.ErrUserDeleted},
	})
}

func TestErrorsAreFoundThroughWrapping(t *testing.T) {
	_, err := domain.Reactivate{}.Decide(fold())
	wrapped := fmt.Errorf("reactivate user: %w", err)
	if !errors.Is(wrapped, domain.ErrUserNotFound) || errors.Is(wrapped, domain.ErrUserDeleted) {
		t.Fatalf("%v is not only ErrUserNotFound", wrapped)
	}
	if want := "reactivate user: user_not_found: There is no user with this id."; wrapped.Error() != want {
		t.Fatalf("got %q, want %q", wrapped, want)
	}
}
