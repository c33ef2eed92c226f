package projections_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
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

// As many roles as a user may have, as long as they may be, are no trouble for an index.
func TestManyLongRoles(t *testing.T) {
	t.Parallel()
	h := open(t)
	id, busy := newID(), newID()
	h.happened(t, id, domain.UserCreated{Email: "ada@example.com", DisplayName: "Ada"})
	h.happened(t, busy, domain.UserCreated{Email: "busy@example.com", DisplayName: "Busy"})
	for range 100 {
		role := fmt.Sprintf("%x", sha256.Sum256([]byte(newID().String()))) // 64 characters that nothing makes shorter
		h.happened(t, id, domain.RoleGranted{Role: role})
	}
	h.bustle(t, busy, 1000)
	h.happened(t, id, domain.RoleGranted{Role: "late"})
	h.applyAll(t)
	var lasting int
	if err := h.pool.QueryRow(t.Context(), `SELECT max(cardinality(roles)) FROM derived.user_versions WHERE until - position >= 1000`).Scan(&lasting); err != nil || lasting != 100 {
		t.Errorf("a version with %d roles lasted, %v, want one with 100", lasting, err)
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

// Two thousand members in the order of their creation, which is not that of their ids; all others were members once.
const insertMembers = `
WITH u AS (SELECT n, gen_random_uuid() AS id, now() - n * interval '1 minute' AS created FROM generate_series(1, 4000) n), p AS (
  INSERT INTO derived.user_profiles (user_id, version, position, created_at, updated_at, status, email, email_key, display_name, first_name, last_name, suspension_reason, roles, search)
  SELECT id, 1, n, created, created, 'active', '', '', '', '', '', '', CASE WHEN n % 2 = 0 THEN '{member}' WHEN n % 200 = 1 THEN '{rare}' ELSE '{}' END::text[], '' FROM u
)
INSERT INTO derived.role_holders (user_id, role, created_at, position) SELECT id, r.role, created, n FROM u CROSS JOIN (VALUES ('member'), ('rare')) r (role)`

// Whether all who ever had a role are looked at depends on how many have it.
func TestListByRoleTakesTheShorterWay(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	for _, sql := range []string{insertMembers, `ANALYZE derived.user_profiles, derived.role_holders`} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	p := projections.NewProfiles(pool)
	byCreation := projections.Order{By: "createdAt"}
	for _, c := range []struct {
		query projections.Query
		want  bool
	}{
		{projections.Query{Role: "member", Order: byCreation}, true},
		{projections.Query{Role: "rare", Order: byCreation}, false},
		{projections.Query{Role: "member", Order: projections.Order{By: "email"}}, false},
		{projections.Query{Role: "member", Order: byCreation, Words: "ada"}, false},
		{projections.Query{Role: "member", Order: byCreation, Count: true}, false},
		{projections.Query{Order: byCreation}, false},
	} {
		c.query.Limit = 50
		if got, err := p.ByRole(t.Context(), c.query); got != c.want || err != nil {
			t.Errorf("%+v: %v, %v, want %v", c.query, got, err, c.want)
		}
	}
	now := func(q projections.Query) (projections.Page, error) { return p.List(t.Context(), q, 0, 0) }
	q := projections.Query{Role: "member", Order: byCreation, Limit: 200}
	some := walk(t, q, 0, now)
	q.Status = "active" // and nobody is not
	q.Limit = 7
	if again := walk(t, q, 0, now); len(some) != 2000 || !slices.Equal(some, again) {
		t.Errorf("%d members, and %d in small pages", len(some), len(again))
	}
}
