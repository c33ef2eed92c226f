package projections_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/projections"
)

// populate makes users with random lives, and between their events what other domains report about them
// and about users that do not exist.
func populate(t *testing.T, h *history, users, events int) []uuid.UUID {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(users), uint64(events)))
	var ids []uuid.UUID
	for i := range users {
		id := newID()
		ids = append(ids, id)
		name := []string{"Ada Lovelace", "ada Byron", "Édith Ångström", "Grace Hopper", "李 小龍"}[rng.IntN(5)]
		h.happened(t, id, domain.UserCreated{Email: fmt.Sprintf("User%d@%s.example", i, []string{"one", "two"}[rng.IntN(2)]), DisplayName: name})
	}
	befall(t, h, rng, ids, events)
	return ids
}

// editor is a role that the bits of roles do not tell from admin.
var editor = projections.Twin("admin")

// befall makes events happen to users, whoever of them is not deleted.
func befall(t *testing.T, h *history, rng *rand.Rand, ids []uuid.UUID, events int) {
	t.Helper()
	for i := range events {
		id := ids[rng.IntN(len(ids))]
		if h.deleted[id] {
			continue
		}
		role := []string{"admin", editor}[rng.IntN(2)]
		name := "Renamed " + role
		switch n := rng.IntN(20); {
		case n < 5:
			h.happened(t, id, domain.RoleGranted{Role: role})
		case n < 8:
			h.happened(t, id, domain.RoleRevoked{Role: role})
		case n < 11:
			h.happened(t, id, domain.UserSuspended{Reason: "spam"})
		case n < 14:
			h.happened(t, id, domain.UserReactivated{})
		case n < 16:
			h.happened(t, id, domain.UserEmailChanged{NewEmail: fmt.Sprintf("NEW%d@one.example", i)})
		case n < 18:
			h.happened(t, id, domain.UserProfileChanged{DisplayName: &name})
		case n < 19:
			h.reported(t, randomActivity(rng, ids[rng.IntN(3)], newID()))
		default:
			h.happened(t, id, domain.UserDeleted{})
			h.deleted[id] = true
		}
	}
}

func TestRowsAreTheSameHoweverTheLogIsCut(t *testing.T) {
	t.Parallel()
	h := open(t)
	populate(t, h, 20, 300)
	events := h.behind(t, 0)
	var want []string
	for _, size := range []int{len(events), 1, 7, 100} {
		if _, err := h.pool.Exec(t.Context(), `TRUNCATE derived.user_profiles, derived.user_versions, derived.role_holders, derived.activity`); err != nil {
			t.Fatal(err)
		}
		if err := h.apply(t, events, size); err != nil {
			t.Fatal(err)
		}
		got := h.rows(t)
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" || len(got) < 25 {
			t.Errorf("%d rows in batches of %d (-at once +so): %s", len(got), size, diff)
		}
	}
}

func TestEventsThatArriveTwiceChangeNothing(t *testing.T) {
	t.Parallel()
	h := open(t)
	populate(t, h, 5, 100)
	h.applyAll(t)
	want := h.rows(t)
	events := h.behind(t, 0)
	for _, again := range [][]eventstore.Recorded{events, events[3:50], events[90:]} {
		if err := h.apply(t, again, 10); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, h.rows(t)); diff != "" {
		t.Error("rows (-once +twice):", diff)
	}
}

// Indexes stay small where rows come in their order.
func TestUsersAreWrittenInTheOrderOfTheirCreation(t *testing.T) {
	t.Parallel()
	h := open(t)
	created := populate(t, h, 50, 0)
	h.applyAll(t)
	rows, _ := h.pool.Query(t.Context(), `SELECT user_id FROM derived.user_profiles ORDER BY ctid`)
	written, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(created, written); diff != "" {
		t.Errorf("users in the order in which they were created (-) and written (+):\n%s", diff)
	}
}

func TestMissingEventIsAnError(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := newID()
	h.happened(t, id, domain.UserCreated{Email: "a@b.example", DisplayName: "Ada"})
	h.happened(t, id, domain.RoleGranted{Role: "admin"})
	h.happened(t, id, domain.RoleGranted{Role: "editor"})
	events := h.behind(t, 0)
	for _, gap := range [][]eventstore.Recorded{events[1:], {events[0], events[2]}} {
		if err := h.apply(t, gap, 10); err == nil {
			t.Error("a gap in a stream went unnoticed")
		}
	}
	if rows := h.rows(t); len(rows) != 0 {
		t.Errorf("rows of a refused batch: %v", rows)
	}
}

func TestUnknownEventIsAnErrorAndNeverAGuess(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := newID()
	h.happened(t, id, domain.UserCreated{Email: "a@b.example", DisplayName: "Ada"})
	h.stored(t, id, domain.StreamType, eventstore.Event{ID: newID(), Type: "UserTeleported", SchemaVersion: 1, Data: []byte(`{}`)})
	err := h.apply(t, h.behind(t, 0), 10)
	var unknown *domain.UnknownEvent
	if !errors.As(err, &unknown) {
		t.Errorf("apply: %v, want UnknownEvent", err)
	}
	if _, err := projections.NewProfiles(h.pool).Current(t.Context(), id); !errors.As(err, &unknown) {
		t.Errorf("read: %v, want UnknownEvent", err)
	}
}
