package projections_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/projections"
)

// everyone reads all users in one page, deleted ones too.
func everyone(t *testing.T, p *projections.Profiles) []domain.User {
	t.Helper()
	var all []domain.User
	for _, status := range []domain.Status{"", domain.Deleted} {
		page, err := p.List(t.Context(), projections.Query{Status: status, Limit: 200, Order: projections.Order{By: "createdAt"}}, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, profile := range page.Profiles {
			all = append(all, profile.User)
		}
	}
	return all
}

func TestListsFilterSortAndPage(t *testing.T) {
	t.Parallel()
	h := open(t)
	ids := populate(t, h, 60, 400)
	h.applyAll(t)
	p := projections.NewProfiles(h.pool)
	all := everyone(t, p)
	if len(all) != 60 {
		t.Fatalf("%d users, want 60", len(all))
	}
	now := func(q projections.Query) (projections.Page, error) { return p.List(t.Context(), q, 0, 0) }
	byWords := func(q projections.Query) (projections.Page, error) { return p.PageByWords(t.Context(), q) }
	byRole := func(q projections.Query) (projections.Page, error) { return p.PageByRole(t.Context(), q) }
	for name, f := range filters(ids, all[30].CreatedAt) {
		for _, by := range []string{"createdAt", "updatedAt", "email", "displayName"} {
			for _, desc := range []bool{false, true} {
				for _, limit := range []int{7, 200} {
					f.query.Order, f.query.Limit, f.query.Count = projections.Order{By: by, Desc: desc}, limit, true
					want := expected(all, f.query, f.match)
					if got := walk(t, f.query, len(want), now); !slices.Equal(got, want) {
						t.Errorf("%s by %s (descending %v), pages of %d: %v, want %v", name, by, desc, limit, got, want)
					}
					if got := walk(t, f.query, len(want), byWords); !slices.Equal(got, want) {
						t.Errorf("%s by words (descending %v), pages of %d: %v, want %v", name, desc, limit, got, want)
					}
					if f.query.Role == "" || by != "createdAt" {
						continue
					}
					f.query.Count = false
					if got := walk(t, f.query, 0, byRole); !slices.Equal(got, want) {
						t.Errorf("%s by role (descending %v), pages of %d: %v, want %v", name, desc, limit, got, want)
					}
				}
			}
		}
	}
}

// filter is a query, and what matches it in a second opinion.
type filter struct {
	query projections.Query
	match func(domain.User) bool
}

func filters(ids []uuid.UUID, middle time.Time) map[string]filter {
	return map[string]filter{
		"all":       {projections.Query{}, func(domain.User) bool { return true }},
		"suspended": {projections.Query{Status: domain.Suspended}, func(u domain.User) bool { return u.Status == domain.Suspended }},
		"deleted":   {projections.Query{Status: domain.Deleted}, func(u domain.User) bool { return u.Status == domain.Deleted }},
		"admins":    {projections.Query{Role: "admin"}, func(u domain.User) bool { return slices.Contains(u.Roles, "admin") }},
		"words":     {projections.Query{Words: "renamed ADM"}, func(u domain.User) bool { return u.DisplayName == "Renamed admin" }},
		"both": {projections.Query{Words: "renamed", Role: "admin"},
			func(u domain.User) bool {
				return strings.HasPrefix(u.DisplayName, "Renamed") && slices.Contains(u.Roles, "admin")
			}},
		"accents": {projections.Query{Words: "angs"}, func(u domain.User) bool { return strings.Contains(u.DisplayName, "Ångström") }},
		"domain":  {projections.Query{Words: "two"}, func(u domain.User) bool { return strings.HasSuffix(u.Email, "@two.example") }},
		"address": {projections.Query{Address: "user7@one.example"}, func(u domain.User) bool { return strings.EqualFold(u.Email, "user7@one.example") }},
		"ids":     {projections.Query{IDs: ids[:9]}, func(u domain.User) bool { return slices.Contains(ids[:9], u.ID) }},
		"after":   {projections.Query{CreatedAfter: middle}, func(u domain.User) bool { return u.CreatedAt.After(middle) }},
		"before":  {projections.Query{CreatedBefore: middle}, func(u domain.User) bool { return u.CreatedAt.Before(middle) }},
		"several": {projections.Query{Status: domain.Active, Role: "admin", CreatedAfter: middle},
			func(u domain.User) bool {
				return u.Status == domain.Active && slices.Contains(u.Roles, "admin") && u.CreatedAt.After(middle)
			}},
	}
}

func expected(all []domain.User, q projections.Query, match func(domain.User) bool) (ids []uuid.UUID) {
	key := func(u domain.User) string {
		switch q.Order.By {
		case "email":
			return domain.CanonicalEmail(u.Email)
		case "displayName":
			return u.DisplayName
		case "updatedAt":
			return fmt.Sprintf("%020d", u.UpdatedAt.UnixMicro())
		}
		return fmt.Sprintf("%020d", u.CreatedAt.UnixMicro())
	}
	var users []domain.User
	for _, u := range all {
		if match(u) && (q.Status == domain.Deleted) == (u.Status == domain.Deleted) {
			users = append(users, u)
		}
	}
	slices.SortFunc(users, func(a, b domain.User) int {
		c := cmp.Or(strings.Compare(key(a), key(b)), bytes.Compare(a.ID[:], b.ID[:]))
		if q.Order.Desc {
			return -c
		}
		return c
	})
	for _, u := range users {
		ids = append(ids, u.ID)
	}
	return ids
}

// walk follows the pages to the end.
func walk(t *testing.T, q projections.Query, total int, list func(projections.Query) (projections.Page, error)) (ids []uuid.UUID) {
	t.Helper()
	for {
		page, err := list(q)
		if err != nil {
			t.Fatal(err)
		}
		if page.Total != int64(total) || len(page.Profiles) > q.Limit {
			t.Fatalf("a page of %d, of %d users in all; want at most %d of %d", len(page.Profiles), page.Total, q.Limit, total)
		}
		for _, profile := range page.Profiles {
			ids = append(ids, profile.User.ID)
		}
		if q.After = page.Next; q.After == nil {
			return ids
		}
	}
}

func TestListShowsItsPositionAndWaitsForAnother(t *testing.T) {
	t.Parallel()
	h := open(t)
	populate(t, h, 3, 0)
	p := projections.NewProfiles(h.pool)
	q := projections.Query{Limit: 50, Order: projections.Order{By: "createdAt"}}
	if page, err := p.List(t.Context(), q, 0, 0); err != nil || page.Position != 0 || len(page.Profiles) != 0 {
		t.Errorf("an empty projection: %+v, %v", page, err)
	}
	if _, err := p.List(t.Context(), q, 3, 30*time.Millisecond); !errors.Is(err, projections.ErrLagging) {
		t.Errorf("a list at position 3 while the relay stands: %v, want ErrLagging", err)
	}
	type answer struct {
		page projections.Page
		err  error
	}
	answers := make(chan answer)
	go func() {
		page, err := p.List(t.Context(), q, 3, time.Minute)
		answers <- answer{page, err}
	}()
	h.applyAll(t)
	p.Moved()
	if a := <-answers; a.err != nil || a.page.Position != 3 || len(a.page.Profiles) != 3 {
		t.Errorf("a list that waited: %+v, %v", a.page, a.err)
	}
}
