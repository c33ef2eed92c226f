package projections

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
)

// Rebuilt folds users from their first event, one after the other, and gathers the rows that they make:
// what Apply writes for the same events, without reading a table.
type Rebuilt struct {
	user  Profile
	roles []string // that the user has had

	profiles, versions, holders, ledger [][]any
}

// Begin turns to the next user.
func (r *Rebuilt) Begin(user uuid.UUID) {
	r.user, r.roles = Profile{User: domain.User{ID: user}}, nil
}

// Add folds in the user's next event, or one of another domain about the user. One that fails leaves no
// trace.
func (r *Rebuilt) Add(e eventstore.Recorded) (err error) {
	switch e.StreamType {
	case domain.StreamType:
		var next Profile
		if next, err = r.user.next(e); err == nil {
			r.become(next)
		}
	case domain.ActivityType:
		err = r.count(e)
	}
	return err
}

func (r *Rebuilt) become(next Profile) {
	next = next.withTerms()
	if r.user.User.Version > 0 {
		r.versions = append(r.versions, r.user.supersede(next).row())
	}
	for _, h := range r.user.given(next) {
		if !slices.Contains(r.roles, h.role) {
			r.roles, r.holders = append(r.roles, h.role), append(r.holders, h.row())
		}
	}
	r.user = next
}

func (r *Rebuilt) count(e eventstore.Recorded) error {
	reported, err := activityOf([]eventstore.Recorded{e})
	if err != nil {
		return err
	}
	if after := r.user.Activity.count(reported[0].Activity, e.Position); after != r.user.Activity {
		r.user.Activity = after
		r.ledger = append(r.ledger, []any{[16]byte(r.user.User.ID), after.Position, after.PostCount, after.FollowerCount, e.RecordedAt})
	}
	return nil
}

// Pass passes over an event that was given up.
func (r *Rebuilt) Pass(e eventstore.Recorded) {
	if e.StreamType == domain.StreamType {
		r.become(r.user.Pass(e))
	}
}

// End makes the user's row.
func (r *Rebuilt) End() {
	if r.user.User.Version > 0 {
		r.profiles = append(r.profiles, r.user.row())
	}
}

// Take hands over the rows gathered so far, by the tables of Names.
func (r *Rebuilt) Take() [][][]any {
	taken := [][][]any{r.holders, r.profiles, r.versions, r.ledger}
	r.profiles, r.versions, r.holders, r.ledger = nil, nil, nil, nil
	return taken
}

// row is the profile in the order of the table's columns.
func (p Profile) row() []any {
	u, a := p.User, p.Activity
	return []any{
		[16]byte(u.ID), u.Version, p.Position, a.Position, a.PostCount, a.FollowerCount, u.CreatedAt, u.UpdatedAt, nullable(u.SuspendedAt), string(u.Status),
		u.Email, p.found.address, u.DisplayName, u.FirstName, u.LastName, u.SuspensionReason, rolesOf(u.Roles), vector(p.found.words),
	}
}

// rolesOf is never NULL.
func rolesOf(roles []string) []string {
	if roles == nil {
		return []string{}
	}
	return roles
}

func nullable(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
