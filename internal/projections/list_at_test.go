package projections_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/projections"
)

// bustle makes one user change so often that what others are lasts long, counted in positions.
func (h *history) bustle(t *testing.T, id uuid.UUID, changes int) {
	t.Helper()
	c := eventstore.Command{StreamType: domain.StreamType, StreamID: id, ExpectedVersion: h.versions[id]}
	for i := range changes {
		name := fmt.Sprintf(`{"displayName": "Number %d"}`, i)
		c.Events = append(c.Events, eventstore.Event{ID: newID(), Type: "UserProfileChanged", SchemaVersion: 1, Data: []byte(name)})
	}
	if _, err := h.Append(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	h.versions[id] += changes
}

// usersAt folds the log up to a position, without the tables.
func usersAt(t *testing.T, events []eventstore.Recorded, position int64) (all []domain.User) {
	t.Helper()
	folded := map[uuid.UUID]domain.User{}
	for _, e := range events {
		if e.StreamType != domain.StreamType || e.Position > position {
			continue
		}
		event, err := domain.Decode(e.Type, e.SchemaVersion, e.Data)
		if err != nil {
			t.Fatal(err)
		}
		u, ok := folded[e.StreamID]
		if !ok {
			u = domain.NewUser(e.StreamID)
		}
		folded[e.StreamID] = u.Apply(event, e.RecordedAt)
	}
	return slices.Collect(maps.Values(folded))
}

// at is the place of an event.
func at(e eventstore.Recorded) projections.Moment {
	return projections.At(eventstore.Place{Position: e.Position, RecordedAt: e.RecordedAt})
}

// asOf is the time of an event, and the newest event that has it.
func asOf(events []eventstore.Recorded, e eventstore.Recorded) (projections.Moment, eventstore.Recorded) {
	for _, other := range events[e.Position:] {
		if other.RecordedAt.Equal(e.RecordedAt) {
			e = other
		}
	}
	return projections.AsOf(e.RecordedAt), e
}

// Lists of the past are a fold of the log up to there, whichever way their users are found.
func TestListsOfThePastFilterSortAndPage(t *testing.T) {
	t.Parallel()
	h := open(t)
	rng := rand.New(rand.NewPCG(7, 8))
	busy := newID()
	h.happened(t, busy, domain.UserCreated{Email: "busy@one.example", DisplayName: "Busy"})
	var ids []uuid.UUID
	for range 3 {
		ids = append(ids, populate(t, h, 25, 0)...)
		befall(t, h, rng, ids, 130)
		h.bustle(t, busy, 900)
	}
	h.applyAll(t)
	events := h.behind(t, 0)
	p := projections.NewProfiles(h.pool)
	found := 0
	for range 60 {
		e := events[rng.IntN(len(events))]
		m := at(e)
		if rng.IntN(2) == 0 {
			m, e = asOf(events, e)
		}
		all := usersAt(t, events, e.Position)
		for name, f := range filters(ids[:40], all[len(all)/2].CreatedAt) {
			by := []string{"createdAt", "updatedAt", "email", "displayName"}[rng.IntN(4)]
			f.query.Order, f.query.Limit, f.query.Count = projections.Order{By: by, Desc: rng.IntN(2) == 0}, []int{7, 200}[rng.IntN(2)], rng.IntN(2) == 0
			want := expected(all, f.query, f.match)
			found += len(want)
			total := 0
			if f.query.Count {
				total = len(want)
			}
			for way := range projections.Ways {
				got := walk(t, f.query, total, func(q projections.Query) (projections.Page, error) {
					return p.PageAt(t.Context(), q, m, way)
				})
				if !slices.Equal(got, want) {
					t.Errorf("%s by %v at %d, %s: %v, want %v", name, f.query.Order, e.Position, way, got, want)
				}
			}
		}
	}
	if found < 1000 {
		t.Errorf("only %d users were to be found in all", found)
	}
}

func TestRowsOfThePastAreWhole(t *testing.T) {
	t.Parallel()
	h := open(t)
	populate(t, h, 20, 300)
	h.applyAll(t)
	events := h.behind(t, 0)
	p := projections.NewProfiles(h.pool)
	q := projections.Query{Limit: 200, Order: projections.Order{By: "createdAt"}}
	for _, e := range events {
		if e.Position%7 != 0 {
			continue
		}
		page, err := p.ListAt(t.Context(), q, at(e), 0)
		if err != nil {
			t.Fatal(err)
		}
		shown := map[uuid.UUID]projections.Profile{}
		for _, profile := range page.Profiles {
			shown[profile.User.ID] = profile
		}
		for _, want := range usersAt(t, events, e.Position) {
			got, ok := shown[want.ID]
			if ok != (want.Status != domain.Deleted) {
				t.Fatalf("at %d user %s is shown: %v", e.Position, want.ID, ok)
			}
			if ok && fmt.Sprint(got.User) != fmt.Sprint(want) {
				t.Errorf("at %d: %+v, want %+v", e.Position, got.User, want)
			}
			counters, err := p.ActivityAt(t.Context(), want.ID, at(e), 0)
			if err != nil || ok && counters != got.Activity {
				t.Errorf("at %d: %+v, want the counters %+v, %v", e.Position, got.Activity, counters, err)
			}
		}
	}
}

func TestListOfThePastWaitsForTheProjection(t *testing.T) {
	t.Parallel()
	h := open(t)
	populate(t, h, 3, 0)
	p := projections.NewProfiles(h.pool)
	q := projections.Query{Limit: 50, Order: projections.Order{By: "email"}}
	second := at(h.behind(t, 1)[0])
	if _, err := p.ListAt(t.Context(), q, second, 30*time.Millisecond); !errors.Is(err, projections.ErrLagging) {
		t.Errorf("while the relay stands: %v, want ErrLagging", err)
	}
	h.applyAll(t)
	if page, err := p.ListAt(t.Context(), q, second, time.Minute); err != nil || len(page.Profiles) != 2 || page.Position != 3 {
		t.Errorf("afterwards: %+v, %v", page, err)
	}
}
