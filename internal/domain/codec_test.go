package domain_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/usersvc/usersvc/internal/domain"
)

// golden says what the file of each schema version ever written decodes to.
// Files are never changed; only the newest of a type is still written.
var golden = []struct {
	eventType string
	schema    int
	newest    bool
	want      domain.Event
}{
	{"UserCreated", 1, false, domain.UserCreated{Email: "Ada@example.com", DisplayName: "Ada King Lovelace", FirstName: "Ada", LastName: "King Lovelace"}},
	{"UserCreated", 2, true, domain.UserCreated{Email: "Ada@example.com", DisplayName: "Countess Lovelace", FirstName: "Ada", LastName: "Lovelace"}},
	{"UserEmailChanged", 1, true, domain.UserEmailChanged{NewEmail: "ada@bücher.example"}},
	{"UserProfileChanged", 1, true, domain.UserProfileChanged{DisplayName: new("Ada King"), FirstName: new(""), LastName: new("King")}},
	{"UserSuspended", 1, true, domain.UserSuspended{Reason: "asked for it, on the phone"}},
	{"UserReactivated", 1, true, domain.UserReactivated{}},
	{"RoleGranted", 1, true, domain.RoleGranted{Role: "billing:read"}},
	{"RoleRevoked", 1, true, domain.RoleRevoked{Role: "billing:read"}},
	{"UserDeleted", 1, true, domain.UserDeleted{Reason: "moved away"}},
}

// goldenData returns a golden file without the line feed that ends it.
func goldenData(tb testing.TB, eventType string, schema int) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "events", fmt.Sprintf("%s.v%d.json", eventType, schema)))
	if err != nil {
		tb.Fatal(err)
	}
	return data[:len(data)-1]
}

func TestGoldenEvents(t *testing.T) {
	for _, g := range golden {
		t.Run(fmt.Sprintf("%s.v%d", g.eventType, g.schema), func(t *testing.T) {
			data := goldenData(t, g.eventType, g.schema)
			e, err := domain.Decode(g.eventType, g.schema, data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(g.want, e); diff != "" {
				t.Fatalf("decoded (-want +got):\n%s", diff)
			}
			typ, schema, encoded, err := domain.Encode(e)
			if err != nil || typ != g.eventType || e.Type() != typ {
				t.Fatalf("encoded as %s, %v", typ, err)
			}
			if g.newest != (schema == g.schema) {
				t.Fatalf("schema version %d is written, and %d is in the table", schema, g.schema)
			}
			if g.newest && string(encoded) != string(data) {
				t.Fatalf("encoded as %s, the file has %s", encoded, data)
			}
		})
	}
}

func TestEveryGoldenFileIsChecked(t *testing.T) {
	files, err := filepath.Glob("testdata/events/*")
	if err != nil || len(files) != len(golden) {
		t.Fatalf("%d golden files, %d checked (%v)", len(files), len(golden), err)
	}
}

func TestOptionalMembersAreLeftOut(t *testing.T) {
	for want, e := range map[string]domain.Event{
		`{}`:              domain.UserDeleted{},
		`{"lastName":""}`: domain.UserProfileChanged{LastName: new("")},
		`{"email":"a@b.c","displayName":"A","firstName":"","lastName":""}`: domain.UserCreated{Email: "a@b.c", DisplayName: "A"},
	} {
		typ, schema, data, err := domain.Encode(e)
		if err != nil || string(data) != want {
			t.Errorf("got %s, %v, want %s", data, err, want)
		}
		back, err := domain.Decode(typ, schema, data)
		if diff := cmp.Diff(e, back); diff != "" || err != nil {
			t.Errorf("decoded (-want +got): %v\n%s", err, diff)
		}
	}
}

func TestUserCreatedV1SplitsTheName(t *testing.T) {
	for _, c := range []struct{ name, first, last string }{
		{"Ada Lovelace", "Ada", "Lovelace"},
		{"Ada King Lovelace", "Ada", "King Lovelace"},
		{"Ada", "Ada", ""},
		{"", "", ""},
		{"  ", "", ""},
		{" Ada  King ", "Ada", "King"},
		{"Ada ", "Ada", ""},
		{" Ada", "Ada", ""},
		{"Ada\u00a0King Lovelace", "Ada\u00a0King", "Lovelace"},
		{"Ada \t Lovelace", "Ada", "Lovelace"},
		{"Ada\t Lovelace", "Ada", "Lovelace"},
	} {
		got, err := domain.Decode("UserCreated", 1, fmt.Appendf(nil, `{"email":"a@b.c","name":%q}`, c.name))
		want := domain.UserCreated{Email: "a@b.c", DisplayName: c.name, FirstName: c.first, LastName: c.last}
		if diff := cmp.Diff(domain.Event(want), got); diff != "" || err != nil {
			t.Errorf("%q (-want +got): %v\n%s", c.name, err, diff)
		}
	}
}

func TestDecodeOfWhatThisBuildDoesNotKnow(t *testing.T) {
	for _, id := range []domain.UnknownEvent{
		{Type: "UserCreated", Schema: 3}, {Type: "UserCreated", Schema: 0}, {Type: "UserCreated", Schema: -1},
		{Type: "UserErased", Schema: 1}, {Type: "usercreated", Schema: 2}, {Type: "", Schema: 1},
	} {
		_, err := domain.Decode(id.Type, id.Schema, []byte(`{"email":"a@b.c"}`))
		var unknown *domain.UnknownEvent
		if !errors.As(err, &unknown) || *unknown != id {
			t.Errorf("%+v: got %v", id, err)
		}
	}
	err := &domain.UnknownEvent{Type: "UserErased", Schema: 7}
	if want := `event "UserErased" with schema version 7 is not known to this build`; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestDecodeRefusesBrokenData(t *testing.T) {
	for _, c := range []struct {
		name, eventType, data string
		schema                int
	}{
		{"nothing", "UserReactivated", ``, 1},
		{"null", "UserReactivated", `null`, 1},
		{"array", "UserReactivated", `[]`, 1},
		{"string", "UserReactivated", `"{}"`, 1},
		{"cut off", "UserSuspended", `{"reason":"x"`, 1},
		{"text after the object", "UserReactivated", `{}{}`, 1},
		{"number for a string", "RoleGranted", `{"role":1}`, 1},
		{"object for a string", "UserProfileChanged", `{"firstName":{}}`, 1},
		{"no address", "UserCreated", `{"displayName":"Ada"}`, 2},
		{"no address in version 1", "UserCreated", `{"name":"Ada"}`, 1},
		{"null for the address", "UserCreated", `{"email":null}`, 2},
		{"no new address", "UserEmailChanged", `{"email":"a@b.c"}`, 1},
		{"no reason", "UserSuspended", `{}`, 1},
		{"no role to grant", "RoleGranted", `{"role":""}`, 1},
		{"no role to revoke", "RoleRevoked", `{}`, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if e, err := domain.Decode(c.eventType, c.schema, []byte(c.data)); err == nil || e != nil {
				t.Fatalf("got %+v and %v", e, err)
			}
		})
	}
}

func TestDecodeIgnoresOtherMembers(t *testing.T) {
	e, err := domain.Decode("RoleGranted", 1, []byte(` {"until":{"year":2030},"role":"admin"}`))
	if err != nil || e != (domain.RoleGranted{Role: "admin"}) {
		t.Fatalf("got %+v and %v", e, err)
	}
}

func TestEncodeOfWhatIsNoStoredEvent(t *testing.T) {
	for _, e := range []domain.Event{nil, &domain.UserReactivated{}} {
		if _, _, data, err := domain.Encode(e); err == nil || data != nil {
			t.Errorf("%T: got %s and %v", e, data, err)
		}
	}
}

// FuzzDecode checks that data never breaks the decoder, and that what it
// reads is written and read again as the same event.
func FuzzDecode(f *testing.F) {
	for _, g := range golden {
		f.Add(g.eventType, g.schema, goldenData(f, g.eventType, g.schema))
	}
	f.Add("UserCreated", 2, []byte(`null`))
	f.Add("UserProfileChanged", 1, []byte(`{"firstName":null,"LASTNAME":"\ud800"}`))
	f.Fuzz(func(t *testing.T, eventType string, schema int, data []byte) {
		e, err := domain.Decode(eventType, schema, data)
		if err != nil {
			return
		}
		typ, newest, encoded, err := domain.Encode(e)
		if err != nil || typ != eventType {
			t.Fatalf("%+v: encoded as %s, %v", e, typ, err)
		}
		again, err := domain.Decode(typ, newest, encoded)
		if diff := cmp.Diff(e, again); diff != "" || err != nil {
			t.Fatalf("not the same after a round trip: %v\n%s", err, diff)
		}
	})
}
