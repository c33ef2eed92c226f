package domain_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/usersvc/usersvc/internal/domain"
)

// after returns the user after active and more events, as it should be: with
// version and times filled in.
func after(count int, change func(*domain.User)) domain.User {
	u := domain.User{
		ID: fold().ID, Email: "Ada@example.com", DisplayName: "Ada Lovelace", FirstName: "Ada", LastName: "Lovelace",
		Status: domain.Active, Version: count, CreatedAt: noon, UpdatedAt: noon.Add(time.Duration(count-1) * time.Second),
	}
	change(&u)
	return u
}

func TestApply(t *testing.T) {
	second := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Second) }
	for _, c := range []struct {
		name  string
		given events
		want  domain.User
	}{
		{"created", active, after(1, func(*domain.User) {})},
		{"address changed", append(active, domain.UserEmailChanged{NewEmail: "a@b.example"}),
			after(2, func(u *domain.User) { u.Email = "a@b.example" })},
		{"all names changed", append(active, domain.UserProfileChanged{DisplayName: new("A"), FirstName: new("B"), LastName: new("")}),
			after(2, func(u *domain.User) { u.DisplayName, u.FirstName, u.LastName = "A", "B", "" })},
		{"one name changed", append(active, domain.UserProfileChanged{LastName: new("King")}),
			after(2, func(u *domain.User) { u.LastName = "King" })},
		{"suspended", suspended, after(2, func(u *domain.User) {
			u.Status, u.SuspendedAt, u.SuspensionReason = domain.Suspended, second(1), "spam"
		})},
		{"reactivated", append(suspended, domain.UserReactivated{}), after(3, func(*domain.User) {})},
		{"roles granted", append(admin, domain.RoleGranted{Role: "zoo"}, domain.RoleGranted{Role: "author"}, domain.RoleGranted{Role: "aaa"}),
			after(5, func(u *domain.User) { u.Roles = []string{"aaa", "admin", "author", "zoo"} })},
		{"a role granted twice", append(admin, domain.RoleGranted{Role: "admin"}),
			after(3, func(u *domain.User) { u.Roles = []string{"admin"} })},
		{"a role revoked", append(admin, domain.RoleGranted{Role: "author"}, domain.RoleRevoked{Role: "admin"}),
			after(4, func(u *domain.User) { u.Roles = []string{"author"} })},
		{"the last role revoked", append(admin, domain.RoleRevoked{Role: "admin"}), after(3, func(*domain.User) {})},
		{"a role revoked that is not held", append(active, domain.RoleRevoked{Role: "admin"}), after(2, func(*domain.User) {})},
		{"deleted", append(admin, domain.UserDeleted{Reason: "moved"}), after(3, func(u *domain.User) {
			u.Status, u.Roles = domain.Deleted, []string{"admin"}
		})},
		{"deleted while suspended", append(suspended, domain.UserDeleted{}), after(3, func(u *domain.User) { u.Status = domain.Deleted })},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, fold(c.given...)); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestApplyLeavesTheReceiverAlone(t *testing.T) {
	u := fold(append(admin, domain.RoleGranted{Role: "author"}, domain.RoleGranted{Role: "zoo"})...)
	u.Roles = append(make([]string, 0, 16), u.Roles...) // room that must not be used
	was := u
	was.Roles = slices.Clone(u.Roles)
	for _, e := range append(life(), domain.RoleGranted{Role: "aaa"}, domain.RoleRevoked{Role: "author"}) {
		u.Apply(e, noon.Add(time.Hour))
		if diff := cmp.Diff(was, u); diff != "" {
			t.Fatalf("%s changed the user it was applied to (-was +is):\n%s", e.Type(), diff)
		}
	}
	if spare := u.Roles[:cap(u.Roles)][len(u.Roles):]; slices.ContainsFunc(spare, func(s string) bool { return s != "" }) {
		t.Fatalf("wrote behind the receiver's roles: %q", spare)
	}
}

func TestAliveAndAddress(t *testing.T) {
	for _, c := range []struct {
		name    string
		given   events
		err     error
		address string
	}{
		{"nobody", nobody, domain.ErrUserNotFound, ""},
		{"active", active, nil, "ada@example.com"},
		{"suspended", suspended, nil, "ada@example.com"},
		{"moved", append(active, domain.UserEmailChanged{NewEmail: "ada@BÜCHER.example"}), nil, "ada@xn--bcher-kva.example"},
		{"deleted", deleted, domain.ErrUserDeleted, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := fold(c.given...)
			if err := u.Alive(); !errors.Is(err, c.err) {
				t.Errorf("Alive: %v, want %v", err, c.err)
			}
			if got := u.Address(); got != c.address {
				t.Errorf("Address: %q, want %q", got, c.address)
			}
		})
	}
}
