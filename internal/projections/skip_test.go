package projections_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/projections"
)

// skip passes an event over as the relay does for a person who gave it up.
func (h *history) skip(t *testing.T, e eventstore.Recorded) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), h.pool, func(tx pgx.Tx) error { return projections.Live.Skip(t.Context(), tx, e) })
	if err != nil {
		t.Fatal(err)
	}
}

func (h *history) profile(t *testing.T, id uuid.UUID) projections.Profile {
	t.Helper()
	found, err := projections.NewProfiles(h.pool).Current(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return found.Profile
}

func TestRowPassesASkippedEvent(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := newID()
	h.happened(t, id, domain.UserCreated{Email: "ada@example.com", DisplayName: "Ada"})
	h.stored(t, id, domain.StreamType, eventstore.Event{ID: newID(), Type: "UserMoved", SchemaVersion: 1, Data: []byte(`{}`)})
	h.happened(t, id, domain.RoleGranted{Role: "admin"})
	events := h.behind(t, 0)
	if err := h.apply(t, events[:1], 10); err != nil {
		t.Fatal(err)
	}
	if err := h.apply(t, events[1:], 10); err == nil {
		t.Fatal("an event that is not known was applied")
	}
	if err := h.apply(t, events[2:], 10); err == nil {
		t.Fatal("a version was left out")
	}
	h.skip(t, events[1])
	if err := h.apply(t, events[2:], 10); err != nil {
		t.Fatal(err)
	}
	got := h.profile(t, id)
	if got.User.Version != 3 || got.Position != 3 || got.User.Email != "ada@example.com" || !cmp.Equal(got.User.Roles, []string{"admin"}) {
		t.Errorf("%+v", got)
	}
}

// When even the creation was given up, there is a row for what follows it.
func TestRowBeginsAfterASkippedCreation(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := newID()
	h.stored(t, id, domain.StreamType, eventstore.Event{ID: newID(), Type: "UserCreated", SchemaVersion: 99, Data: []byte(`{}`)})
	h.happened(t, id, domain.UserEmailChanged{NewEmail: "ada@example.com"})
	events := h.behind(t, 0)
	h.skip(t, events[0])
	if err := h.apply(t, events[1:], 10); err != nil {
		t.Fatal(err)
	}
	if got := h.profile(t, id); got.User.Version != 2 || got.User.Email != "ada@example.com" || got.User.Status != domain.Active {
		t.Errorf("%+v", got)
	}
}
