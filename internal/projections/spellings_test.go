package projections_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/projections"
)

// wantFound asks for words, of now and of a moment, in every way that there is.
func (h *history) wantFound(t *testing.T, words string, position int64, want ...uuid.UUID) {
	t.Helper()
	p := projections.NewProfiles(h.pool)
	q := projections.Query{Words: words, Limit: 50, Order: projections.Order{By: "createdAt"}}
	events := h.behind(t, 0)
	check := func(way string, page projections.Page, err error) {
		var got []uuid.UUID
		for _, profile := range page.Profiles {
			got = append(got, profile.User.ID)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q at %d, %s: %v, %v, want %v", words, position, way, got, err, want)
		}
	}
	for way := range projections.Ways {
		page, err := p.PageAt(t.Context(), q, at(events[position-1]), way)
		check(way, page, err)
	}
	if position == int64(len(events)) {
		page, err := p.List(t.Context(), q, 0, 0)
		check("now", page, err)
	}
}

func TestAddressIsFoundAsItWasGiven(t *testing.T) {
	t.Parallel()
	h := open(t)
	ada, plain := newID(), newID()
	h.happened(t, plain, domain.UserCreated{Email: "ada@bucher.test.example", DisplayName: "Plain"})
	h.happened(t, ada, domain.UserCreated{Email: "Ada@Bücher.example", DisplayName: "Countess"})
	h.applyAll(t)
	for _, words := range []string{"bücher.e count", "ada@bücher.e", "ADA@Bu\u0308cher.example", "ada@xn--bcher-kva.example", "kva", "count bücher"} {
		h.wantFound(t, words, 2, ada)
	}
	for _, words := range []string{"bücher", "BÜCHER.example", "bucher"} { // accents are dropped, as in names
		h.wantFound(t, words, 2, plain, ada)
	}
	h.wantFound(t, "ada@bücher.t", 2, plain)
}

// Rows of a build that knew the canonical form alone: what is written next to them is complete, and what they were comes to light.
func TestAddressOfAnOldRowIsFoundFromTheNextEventOn(t *testing.T) {
	t.Parallel()
	h := open(t)
	ada := newID()
	h.happened(t, ada, domain.UserCreated{Email: "ada@bücher.example", DisplayName: "Ada"})
	h.applyAll(t)
	const forget = `UPDATE derived.user_profiles SET search = array_to_tsvector('{ada,ada@xn--bcher-kva.example,bcher,example,kva,xn}')`
	if _, err := h.pool.Exec(t.Context(), forget); err != nil {
		t.Fatal(err)
	}
	h.wantFound(t, "bücher", 1)
	h.wantFound(t, "xn ada", 1, ada)
	for _, e := range []domain.Event{domain.RoleGranted{Role: "admin"}, domain.UserEmailChanged{NewEmail: "ada@plain.example"}, domain.RoleGranted{Role: "editor"}} {
		h.happened(t, ada, e)
	}
	h.applyAll(t)
	for _, words := range []string{"bücher", "ada@bücher", "xn ada"} {
		h.wantFound(t, words, 1, ada)
		h.wantFound(t, words, 2, ada)
		h.wantFound(t, words, 3)
		h.wantFound(t, words, 4)
	}
	h.wantFound(t, "plain ada", 4, ada)
}
