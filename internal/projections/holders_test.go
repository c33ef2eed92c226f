package projections_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/pgtest"
	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/migrations"
)

// Whoever is given a role again has had it since the first time.
func TestFirstGrantOfARoleCounts(t *testing.T) {
	t.Parallel()
	h := open(t)
	id := newID()
	h.happened(t, id, domain.UserCreated{Email: "ada@example.com", DisplayName: "Ada"})
	for range 2 {
		h.happened(t, id, domain.RoleGranted{Role: "admin"})
		h.happened(t, id, domain.RoleRevoked{Role: "admin"})
	}
	if err := h.apply(t, h.behind(t, 0), 3); err != nil {
		t.Fatal(err)
	}
	var since int64
	if err := h.pool.QueryRow(t.Context(), `SELECT position FROM derived.role_holders WHERE user_id = $1 AND role = 'admin'`, id).Scan(&since); err != nil || since != 2 {
		t.Errorf("admin since position %d, %v, want 2", since, err)
	}
}

// Rows from before there was a table of roles are what they would be now.
func TestMigrationFindsWhoHadARole(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	h := openAt(t, pgtest.Pool(t, db.URL))
	populate(t, h, 20, 300)
	h.applyAll(t)
	want := h.rows(t)
	if err := migrations.Down(t.Context(), db.AdminURL, int(migrations.Latest())-12); err != nil {
		t.Fatal(err)
	}
	if err := migrations.Up(t.Context(), db.AdminURL); err != nil {
		t.Fatal(err)
	}
	after := openAt(t, pgtest.Pool(t, db.URL)) // whose plans are of the new tables
	if diff := cmp.Diff(want, after.rows(t)); diff != "" {
		t.Errorf("rows (-before +after): %s", diff)
	}
	page, err := projections.NewProfiles(after.pool).List(t.Context(), projections.Query{Role: "admin", Limit: 1, Order: projections.Order{By: "createdAt"}}, 0, 0)
	if err != nil || len(page.Profiles) != 1 {
		t.Errorf("admins: %+v, %v", page, err)
	}
}
