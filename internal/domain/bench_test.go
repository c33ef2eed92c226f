package domain_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
)

type stored struct {
	eventType string
	schema    int
	data      []byte
}

func store(tb testing.TB, events ...domain.Event) []stored {
	tb.Helper()
	log := make([]stored, 0, len(events))
	for _, e := range events {
		typ, schema, data, err := domain.Encode(e)
		if err != nil {
			tb.Fatal(err)
		}
		log = append(log, stored{typ, schema, data})
	}
	return log
}

// life is the history of one user, with the usual events in it.
func life() []domain.Event {
	return []domain.Event{
		domain.UserCreated{Email: "Ada.Lovelace@example.com", DisplayName: "Ada Lovelace", FirstName: "Ada", LastName: "Lovelace"},
		domain.UserEmailChanged{NewEmail: "ada@example.com"},
		domain.UserProfileChanged{DisplayName: new("Ada King")},
		domain.RoleGranted{Role: "admin"},
		domain.RoleGranted{Role: "author"},
		domain.UserSuspended{Reason: "asked for it"},
		domain.RoleRevoked{Role: "admin"},
		domain.UserReactivated{},
		domain.UserDeleted{Reason: "moved away"},
	}
}

func BenchmarkEncode(b *testing.B) {
	events := life()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, _, _, err := domain.Encode(events[i%len(events)]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	log := store(b, life()...)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s := log[i%len(log)]
		if _, err := domain.Decode(s.eventType, s.schema, s.data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeUserCreatedV1(b *testing.B) {
	data := []byte(`{"email":"ada@example.com","name":"Ada Lovelace"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := domain.Decode("UserCreated", 1, data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFold measures what a rebuild does per event: decode and apply.
func BenchmarkFold(b *testing.B) {
	log := store(b, life()...)
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	u := domain.NewUser(uuid.New())
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s := log[i%len(log)]
		e, err := domain.Decode(s.eventType, s.schema, s.data)
		if err != nil {
			b.Fatal(err)
		}
		u = u.Apply(e, at)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkDecide measures what a command costs once its user is at hand.
func BenchmarkDecide(b *testing.B) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	user := domain.NewUser(uuid.New()).Apply(life()[0], at)
	email, err := domain.ParseEmail("ada@example.com")
	if err != nil {
		b.Fatal(err)
	}
	for name, command := range map[string]domain.Command{
		"change email": domain.ChangeEmail{Email: email}, "grant role": domain.GrantRole{Role: "admin"}, "suspend": domain.Suspend{Reason: "asked for it"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := command.Decide(user); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseEmail(b *testing.B) {
	for name, address := range map[string]string{
		"lower":   "ada.lovelace@example.com",
		"mixed":   "Ada.Lovelace@Example.COM",
		"unicode": "ada@bücher.example",
		"a-label": "ada@xn--bcher-kva.example",
		"han":     "ada@" + "食狮公司" + ".com",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := domain.ParseEmail(address); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
