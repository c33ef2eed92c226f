package projections

import (
	"slices"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/tuples"
)

// Rebuilt folds users from their first event, one after the other, and gathers the rows that they make:
// what Apply writes for the same events, without reading a table.
type Rebuilt struct {
	user  Profile
	roles []string // that the user has had

	profiles, versions, holders, ledger tuples.Rows
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
		r.user.supersede(next).addTo(&r.versions)
	}
	for _, h := range r.user.given(next) {
		if !slices.Contains(r.roles, h.role) {
			r.roles = append(r.roles, h.role)
			h.addTo(&r.holders)
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
		r.ledger.Begin(5).UUID(r.user.User.ID).Int8(after.Position).Int4(after.PostCount).Int4(after.FollowerCount).Time(e.RecordedAt)
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
		r.user.addTo(&r.profiles)
	}
}

// Take hands over the rows gathered so far, by the tables of Names.
func (r *Rebuilt) Take() []tuples.Rows {
	return []tuples.Rows{r.holders.Take(), r.profiles.Take(), r.versions.Take(), r.ledger.Take()}
}

// addTo adds the profile, which has its terms, in the order of the table's columns.
func (p Profile) addTo(rows *tuples.Rows) {
	u, a := p.User, p.Activity
	rows.Begin(18).UUID(u.ID).Int4(u.Version).Int8(p.Position).Int8(a.Position).Int4(a.PostCount).Int4(a.FollowerCount)
	p.addFields(rows)
}

// addFields adds what the tables of users and of versions both have.
func (p Profile) addFields(rows *tuples.Rows) {
	u := p.User
	rows.Time(u.CreatedAt).Time(u.UpdatedAt).TimeOrNull(u.SuspendedAt).Text(string(u.Status)).
		Text(u.Email).Text(p.found.address).Text(u.DisplayName).Text(u.FirstName).Text(u.LastName).
		Text(u.SuspensionReason).Texts(u.Roles).Vector(p.found.words)
}
