package domain_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/usersvc/usersvc/internal/domain"
)

// Few values, so that commands meet what earlier ones left.
var (
	addresses = rapid.Map(rapid.SampledFrom([]string{"ada@example.com", "Ada@example.com", "ada@bücher.example", "ada@xn--bcher-kva.example"}), email)
	someNames = rapid.SampledFrom([]domain.Name{"", "Ada", "King", "Lovelace"})
	reasons   = rapid.SampledFrom([]domain.Reason{"", "spam"})
	roles     = rapid.SampledFrom([]domain.Role{"", "admin", "author", "billing", "zoo"})
)

func commands() *rapid.Generator[domain.Command] {
	return rapid.Custom(func(t *rapid.T) domain.Command {
		name := func(label string) *domain.Name { return rapid.Ptr(someNames, true).Draw(t, label) }
		switch rapid.IntRange(0, 11).Draw(t, "command") {
		case 0, 1:
			return domain.CreateUser{Email: addresses.Draw(t, "email"), DisplayName: someNames.Draw(t, "display"),
				FirstName: someNames.Draw(t, "first"), LastName: someNames.Draw(t, "last")}
		case 2, 3:
			return domain.ChangeEmail{Email: addresses.Draw(t, "email")}
		case 4:
			return domain.ChangeProfile{DisplayName: name("display"), FirstName: name("first"), LastName: name("last")}
		case 5:
			return domain.Suspend{Reason: reasons.Draw(t, "reason")}
		case 6, 7:
			return domain.Reactivate{}
		case 8, 9:
			return domain.GrantRole{Role: roles.Draw(t, "role")}
		case 10:
			return domain.RevokeRole{Role: roles.Draw(t, "role")}
		}
		if rapid.IntRange(0, 4).Draw(t, "really") > 0 { // else most lives are short
			return domain.GrantRole{Role: roles.Draw(t, "role")}
		}
		return domain.DeleteUser{Reason: reasons.Draw(t, "reason")}
	})
}

// TestDecidedEventsApply walks users through random commands.
func TestDecidedEventsApply(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := domain.NewUser(uuid.MustParse("01935b1e-7c00-7000-8000-000000000002"))
		var log []domain.Event
		for i, c := range rapid.SliceOfN(commands(), 1, 60).Draw(t, "commands") {
			decided, err := c.Decide(u)
			if err != nil && decided != nil {
				t.Fatalf("%+v: both %v and %v", c, decided, err)
			}
			for _, e := range decided {
				before, was := u, deepCopy(u)
				u = u.Apply(e, noon.Add(time.Duration(len(log))*time.Second))
				if diff := cmp.Diff(was, before); diff != "" {
					t.Fatalf("step %d, %+v changed its receiver:\n%s", i, e, diff)
				}
				if cmp.Diff(withoutBooks(before), withoutBooks(u)) == "" {
					t.Fatalf("step %d, %+v changed nothing", i, e)
				}
				log = append(log, e)
			}
			checkUser(t, u, len(log))
		}
		if diff := cmp.Diff(u, foldAs(u.ID, throughTheLog(t, log))); diff != "" {
			t.Fatalf("the log folds to something else:\n%s", diff)
		}
	})
}

func deepCopy(u domain.User) domain.User {
	u.Roles = slices.Clone(u.Roles)
	return u
}

// withoutBooks leaves what a person would call the user.
func withoutBooks(u domain.User) domain.User {
	u.Version, u.UpdatedAt = 0, time.Time{}
	return u
}

func foldAs(id uuid.UUID, log []domain.Event) domain.User {
	u := domain.NewUser(id)
	for i, e := range log {
		u = u.Apply(e, noon.Add(time.Duration(i)*time.Second))
	}
	return u
}

func throughTheLog(t *rapid.T, log []domain.Event) (read []domain.Event) {
	for _, e := range log {
		typ, schema, data, err := domain.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		e, err := domain.Decode(typ, schema, data)
		if err != nil {
			t.Fatal(err)
		}
		read = append(read, e)
	}
	return read
}

// checkUser holds a user to what is always true.
func checkUser(t *rapid.T, u domain.User, version int) {
	alive := u.Alive() == nil
	switch {
	case u.Version != version:
		t.Fatalf("version %d after %d events", u.Version, version)
	case !slices.IsSorted(u.Roles) || len(slices.Compact(slices.Clone(u.Roles))) != len(u.Roles):
		t.Fatalf("roles %q are not sorted, each once", u.Roles)
	case (u.Status == domain.Suspended) != (u.SuspensionReason != "") || (u.Status == domain.Suspended) == u.SuspendedAt.IsZero():
		t.Fatalf("%s, suspended at %v because of %q", u.Status, u.SuspendedAt, u.SuspensionReason)
	case alive && (u.DisplayName == "" || u.Email == ""):
		t.Fatalf("no name or address: %+v", u)
	case alive != (u.Address() != ""):
		t.Fatalf("%+v holds %q", u, u.Address())
	}
}

// TestNothingHappensTwice sends each command that had an effect again at once.
func TestNothingHappensTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := fold()
		for _, c := range rapid.SliceOfN(commands(), 1, 40).Draw(t, "commands") {
			decided, _ := c.Decide(u)
			if len(decided) == 0 {
				continue
			}
			for _, e := range decided {
				u = u.Apply(e, noon)
			}
			if again, _ := c.Decide(u); len(again) > 0 {
				t.Fatalf("%+v: first %v, then %v", c, decided, again)
			}
		}
	})
}

// TestParsedTextIsFixed checks that a stored name or reason is accepted again
// as it is, else a client could not send back what it was shown.
func TestParsedTextIsFixed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "text")
		if name, err := domain.ParseDisplayName(s); err == nil {
			if again, err := domain.ParseDisplayName(string(name)); err != nil || again != name {
				t.Fatalf("%q became %q, then %q, %v", s, name, again, err)
			}
		}
		if reason, err := domain.ParseReason(s); err == nil {
			if again, err := domain.ParseReason(string(reason)); err != nil || again != reason {
				t.Fatalf("%q became %q, then %q, %v", s, reason, again, err)
			}
		}
	})
}

// TestCaseDoesNotMatter writes one address in random case.
func TestCaseDoesNotMatter(t *testing.T) {
	plain := []string{"ada.lovelace+x@mail.example.com", "ada@bücher.example", "ada@xn--bcher-kva.example", "ada@пример.рф"}
	rapid.Check(t, func(t *rapid.T) {
		address := rapid.SampledFrom(plain).Draw(t, "address")
		var spelt strings.Builder
		for _, r := range address {
			if rapid.Bool().Draw(t, "upper") {
				spelt.WriteString(strings.ToUpper(string(r)))
			} else {
				spelt.WriteRune(r)
			}
		}
		if got, want := email(spelt.String()).Canonical(), email(address).Canonical(); got != want {
			t.Fatalf("%q: canonical %q, want %q", spelt.String(), got, want)
		}
	})
}
