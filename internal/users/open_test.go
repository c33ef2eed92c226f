package users_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/pgtest"
	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/users"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, pgtest.IgnoreServer()) }

// replica is one process's share of the service, without HTTP. Its relay stands still until asked.
type replica struct {
	*users.Users
	log      *eventstore.Log
	profiles *projections.Profiles
	relay    *outbox.Relay
	pool     *pgxpool.Pool
}

func open(t *testing.T) *replica {
	t.Helper()
	return openOn(t, pgtest.New(t))
}

func openOn(t *testing.T, pool *pgxpool.Pool) *replica {
	t.Helper()
	log := eventstore.Open(pool)
	profiles := projections.NewProfiles(pool)
	r := &replica{
		Users: users.New(log, profiles, users.DefaultSnapshotEvery, zerolog.Nop()), log: log, profiles: profiles, pool: pool,
		relay: outbox.New(pool, outbox.Subscription{
			Name: projections.Subscription, Handle: projections.Live.Apply, Skip: projections.Live.Skip, UserOf: projections.UserOf, Moved: profiles.Moved,
		}, outbox.DefaultRetry, zerolog.Nop()),
	}
	log.Notify(r.relay.Wake)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		r.Close(ctx)
		log.Close(ctx)
	})
	return r
}

func request(id uuid.UUID, c domain.Command) users.Request {
	return users.Request{UserID: id, Command: c, Cause: users.Cause{Actor: "tester", Source: "test", CorrelationID: newID()}}
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

func address(t *testing.T, s string) domain.Email {
	t.Helper()
	e, err := domain.ParseEmail(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (r *replica) must(t *testing.T, q users.Request) users.Result {
	t.Helper()
	result, err := r.Execute(t.Context(), q)
	if err != nil {
		t.Fatalf("%T: %v", q.Command, err)
	}
	return result
}

// create makes a user whose address is its id.
func (r *replica) create(t *testing.T) uuid.UUID {
	t.Helper()
	id := newID()
	r.must(t, request(id, domain.CreateUser{Email: address(t, id.String()+"@example.com"), DisplayName: "Somebody"}))
	return id
}

// randomCommand is any command, often one that a rule refuses.
func randomCommand(t *testing.T, rng *rand.Rand, addresses int) domain.Command {
	t.Helper()
	name := domain.Name([]string{"Ada", "Grace", "Edsger", "Barbara"}[rng.IntN(4)])
	reason := domain.Reason([]string{"spam", "holiday", "asked to"}[rng.IntN(3)])
	role := domain.Role([]string{"admin", "editor", "viewer"}[rng.IntN(3)])
	switch n := rng.IntN(100); {
	case n < 25:
		local := []string{"a", "b", "C", "c", "d.e"}[rng.IntN(min(5, addresses))]
		return domain.ChangeEmail{Email: address(t, local+"@example.com")}
	case n < 40:
		return domain.ChangeProfile{DisplayName: &name}
	case n < 50:
		return domain.ChangeProfile{FirstName: &name, LastName: &name}
	case n < 60:
		return domain.Suspend{Reason: reason}
	case n < 70:
		return domain.Reactivate{}
	case n < 85:
		return domain.GrantRole{Role: role}
	case n < 99:
		return domain.RevokeRole{Role: role}
	}
	return domain.DeleteUser{Reason: reason}
}
