package domain_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/usersvc/usersvc/internal/domain"
)

var allFields = domain.Fields{Email: true, DisplayName: true, FirstName: true, LastName: true, Roles: true}

// restore brings fields back to what they were after so many events of a history.
func restore(history events, version int, f domain.Fields) domain.Restore {
	return domain.Restore{Version: version, Fields: f, Past: fold(history[:version]...)}
}

func refused(field, code, message string) error {
	return &domain.Error{Kind: domain.Invalid, Code: code, Message: message, Field: field}
}

func TestRestore(t *testing.T) {
	moved := append(active, domain.UserEmailChanged{NewEmail: "ada@example.org"},
		domain.UserProfileChanged{DisplayName: new("Ada"), LastName: new("")}, domain.RoleGranted{Role: "admin"})
	swapped := append(admin, domain.RoleRevoked{Role: "admin"}, domain.RoleGranted{Role: "author"})
	full := append(events{created}, grants(100)...)
	full = append(full, domain.RoleRevoked{Role: "role7"}, domain.RoleGranted{Role: "zoo"})
	odd := events{domain.UserCreated{Email: "ada@localhost", DisplayName: " Ada", FirstName: strings.Repeat("a", 101)}, domain.RoleGranted{Role: "Admin"},
		domain.UserEmailChanged{NewEmail: "ada@example.com"}, domain.UserProfileChanged{DisplayName: new("Ada"), FirstName: new("Ada")}, domain.RoleRevoked{Role: "Admin"}}
	email, roles := domain.Fields{Email: true}, domain.Fields{Roles: true}
	nowOutdated := func(field string) error {
		return refused("fields", "outdated", "What "+field+" was at that version breaks a rule of today.")
	}
	tooLate := refused("version", "no_such_version", "The user has no such version yet.")
	check(t, []rule{
		{name: "of everything", given: moved, when: restore(moved, 1, allFields), then: events{
			domain.UserEmailChanged{NewEmail: "Ada@example.com"},
			domain.UserProfileChanged{DisplayName: new("Ada Lovelace"), LastName: new("Lovelace")},
			domain.RoleRevoked{Role: "admin"}}},
		{name: "of one field leaves the others", given: moved, when: restore(moved, 1, domain.Fields{LastName: true}),
			then: events{domain.UserProfileChanged{LastName: new("Lovelace")}}},
		{name: "to a version between", given: moved, when: restore(moved, 2, domain.Fields{Email: true, Roles: true}),
			then: events{domain.RoleRevoked{Role: "admin"}}},
		{name: "to the present is nothing to do", given: moved, when: restore(moved, 4, allFields)},
		{name: "revokes before it grants", given: swapped, when: restore(swapped, 2, roles),
			then: events{domain.RoleRevoked{Role: "author"}, domain.RoleGranted{Role: "admin"}}},
		{name: "of a hundred roles", given: full, when: restore(full, 101, roles),
			then: events{domain.RoleRevoked{Role: "zoo"}, domain.RoleGranted{Role: "role7"}}},
		{name: "of an address, suspended, is refused", given: append(moved, suspension), when: restore(moved, 1, email), err: domain.ErrUserSuspended},
		{name: "of an address, suspended, is refused though nothing would change", given: suspended, when: restore(suspended, 1, email), err: domain.ErrUserSuspended},
		{name: "of names, suspended, is refused though nothing would change", given: suspended, when: restore(suspended, 1, domain.Fields{FirstName: true}), err: domain.ErrUserSuspended},
		{name: "that revokes, suspended, happens", given: append(admin, suspension), when: restore(admin, 1, roles), then: events{domain.RoleRevoked{Role: "admin"}}},
		{name: "that revokes one of two, suspended, happens", given: append(admin, domain.RoleGranted{Role: "zoo"}, suspension), when: restore(admin, 2, roles),
			then: events{domain.RoleRevoked{Role: "zoo"}}},
		{name: "that grants, suspended, is refused", given: append(swapped, suspension), when: restore(swapped, 2, roles), err: domain.ErrUserSuspended},
		{name: "of roles that are the same, suspended, is nothing to do", given: suspended, when: restore(suspended, 1, roles)},
		{name: "to no version is refused", given: active, when: domain.Restore{Fields: email}, err: refused("version", "invalid_version", "A version is 1 or more.")},
		{name: "of no field is refused", given: active, when: domain.Restore{Version: 1}, err: missing("fields")},
		{name: "to a version to come is refused", given: active, when: domain.Restore{Version: 2, Fields: email}, err: tooLate},
		{name: "to a version to come, suspended, names the version", given: suspended, when: domain.Restore{Version: 3, Fields: email}, err: tooLate},
		{name: "of nobody is refused", given: nobody, when: domain.Restore{Version: 1, Fields: email}, err: domain.ErrUserNotFound},
		{name: "of a deleted user is refused", given: deleted, when: domain.Restore{Version: 9, Fields: email}, err: domain.ErrUserDeleted},
		{name: "of an address that no rule takes today is refused", given: odd, when: restore(odd, 1, email), err: nowOutdated("email")},
		{name: "of a name that no rule leaves as it is, is refused", given: odd, when: restore(odd, 1, domain.Fields{DisplayName: true}), err: nowOutdated("displayName")},
		{name: "of a name that is too long today is refused", given: odd, when: restore(odd, 1, domain.Fields{FirstName: true}), err: nowOutdated("firstName")},
		{name: "of a role that no rule takes today is refused", given: odd, when: restore(odd, 2, roles), err: nowOutdated("roles")},
		{name: "of what no rule takes and the user has still is nothing to do", given: odd[:2], when: restore(odd, 1, domain.Fields{Email: true, DisplayName: true})},
		{name: "takes away what no rule takes", given: odd[:2], when: restore(odd, 1, roles), then: events{domain.RoleRevoked{Role: "Admin"}}},
	})
}

func TestFields(t *testing.T) {
	var f domain.Fields
	for _, name := range []string{"email", "displayName", "firstName", "lastName", "roles"} {
		if err := f.Add(name); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(refused("fields", "repeated", "A field must be named once."), f.Add(name)); diff != "" {
			t.Errorf("%s again: %s", name, diff)
		}
	}
	if f != allFields {
		t.Errorf("got %+v", f)
	}
	for _, name := range []string{"", "Email", "status", "version", "suspendedAt"} {
		want := refused("fields", "unknown_field", "A field must be one of email, displayName, firstName, lastName, roles.")
		if diff := cmp.Diff(want, f.Add(name)); diff != "" {
			t.Errorf("%q: %s", name, diff)
		}
	}
}

// TestRestoredFieldsAreWhatTheyWere takes an active user back to each of its versions.
func TestRestoredFieldsAreWhatTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		past := []domain.User{fold(created)}
		for _, c := range rapid.SliceOfN(commands(), 1, 40).Draw(t, "commands") {
			decided, _ := c.Decide(past[len(past)-1])
			for _, e := range decided {
				past = append(past, past[len(past)-1].Apply(e, noon))
			}
		}
		now := past[len(past)-1]
		for _, then := range past {
			decided, err := domain.Restore{Version: then.Version, Fields: allFields, Past: then}.Decide(now)
			if now.Alive() != nil || now.Status == domain.Suspended {
				if err == nil {
					t.Fatalf("%+v was changed: %v", now, decided)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			restored := now
			for _, e := range decided {
				restored = restored.Apply(e, noon)
			}
			if diff := cmp.Diff(restorable(then), restorable(restored)); diff != "" {
				t.Fatalf("version %d (-then +restored):\n%s", then.Version, diff)
			}
			if restored.Status != now.Status || restored.Version != now.Version+len(decided) {
				t.Fatalf("%+v became %+v", now, restored)
			}
		}
	})
}

// restorable leaves what a restore brings back.
func restorable(u domain.User) domain.User {
	u.Version, u.Status, u.CreatedAt, u.UpdatedAt = 0, "", time.Time{}, time.Time{}
	u.SuspendedAt, u.SuspensionReason = time.Time{}, ""
	if u.Roles == nil {
		u.Roles = []string{}
	}
	u.ID = uuid.Nil
	return u
}
