package rebuild_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
)

// Any UUID may be the id of a user, so the nil UUID may.
func TestRebuildKeepsTheUserWithTheNilUUID(t *testing.T) {
	t.Parallel()
	r := open(t)
	r.create(t, 3)
	email, _ := domain.ParseEmail("nil@example.com")
	if err := r.execute(t.Context(), uuid.Nil, domain.CreateUser{Email: email, DisplayName: "Nil"}); err != nil {
		t.Fatal(err)
	}
	r.work(t)
	r.caughtUp(t)
	rows := r.rows(t)
	if n := r.rebuild(t, "user_profiles"); n != 0 {
		t.Errorf("%d users differ", n)
	}
	if diff := cmp.Diff(rows, r.rows(t)); diff != "" {
		t.Errorf("rows (-before +after): %s", diff)
	}
}
