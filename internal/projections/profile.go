package projections

import (
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/safeguard"
)

// Profile is a row of user_profiles: a user, and the counters that follow the relay.
type Profile struct {
	User     domain.User
	Activity Activity
	Position int64 // of the newest of the user's events folded in

	found *terms // made out last, perhaps of what the user was before: see withTerms
}

// terms are what a list finds a user by. They take a while to make out, and most events change none of what they are made out of,
// or half of it.
type terms struct {
	email string
	names [3]string

	address            string // canonical
	inAddress, inNames []string
	words              []string // in either
}

func (p Profile) withTerms() Profile {
	u := p.User
	names := [...]string{u.DisplayName, u.FirstName, u.LastName}
	var t terms // of a user without any
	if p.found != nil {
		if t = *p.found; t.email == u.Email && t.names == names {
			return p
		}
	}
	if t.email != u.Email {
		t.email, t.address = u.Email, domain.CanonicalEmail(u.Email)
		t.inAddress = wordsOfAddress(spellings(u.Email, t.address))
	}
	if t.names != names {
		t.names, t.inNames = names, wordsOfNames(names[:]...)
	}
	t.words = lexemes(slices.Concat(t.inAddress, t.inNames)...)
	p.found = &t
	return p
}

// Fold returns the profile after one more event of its user's stream. It fails with
// *domain.UnknownEvent for an event that this build does not know.
func (p Profile) Fold(e eventstore.Recorded) (Profile, error) {
	event, err := domain.Decode(e.Type, e.SchemaVersion, e.Data)
	if err != nil {
		return p, fmt.Errorf("event at position %d: %w", e.Position, err)
	}
	after := p
	after.User = p.User.Apply(event, e.RecordedAt)
	after.Position = e.Position
	return after, nil
}

// next is Fold, and wants the very next event of the user.
func (p Profile) next(e eventstore.Recorded) (Profile, error) {
	if e.Version != p.User.Version+1 && !safeguard.Removed(safeguard.Turns) {
		return p, fmt.Errorf("event at position %d is version %d of user %s, but the profile is at version %d", e.Position, e.Version, e.StreamID, p.User.Version)
	}
	return p.Fold(e)
}

// Pass returns the profile after an event that was given up: it moves on, and nothing else of it changes.
func (p Profile) Pass(e eventstore.Recorded) Profile {
	p.User.Version, p.Position, p.User.UpdatedAt = e.Version, e.Position, e.RecordedAt
	if p.User.CreatedAt.IsZero() {
		p.User.CreatedAt, p.User.Status = e.RecordedAt, domain.Active
	}
	return p
}

const profileColumns = `p.user_id, p.version, p.position, p.activity_position, p.post_count, p.follower_count,
p.created_at, p.updated_at, p.suspended_at, p.status, p.email, p.display_name, p.first_name, p.last_name, p.suspension_reason, p.roles`

// profileRow is what profileColumns are scanned into, one row after the other. Those of an outer join that found none leave zeros.
type profileRow struct {
	Profile
	version, posts, followers   zeronull.Int8
	created, updated, suspended zeronull.Timestamptz
}

// destinations are for all rows of a query.
func (r *profileRow) destinations() []any {
	u, a := &r.User, &r.Activity
	return []any{
		(*zeronull.UUID)(&u.ID), &r.version, (*zeronull.Int8)(&r.Position), (*zeronull.Int8)(&a.Position), &r.posts, &r.followers,
		&r.created, &r.updated, &r.suspended, (*zeronull.Text)(&u.Status), (*zeronull.Text)(&u.Email),
		(*zeronull.Text)(&u.DisplayName), (*zeronull.Text)(&u.FirstName), (*zeronull.Text)(&u.LastName),
		(*zeronull.Text)(&u.SuspensionReason), &u.Roles,
	}
}

// take returns the row that was scanned, and makes room for the next.
func (r *profileRow) take() Profile {
	p := r.Profile
	r.Profile = Profile{} // roles are not to be shared with the next row, whatever a scan does with a slice that it finds
	p.User.Version, p.Activity.PostCount, p.Activity.FollowerCount = int(r.version), int(r.posts), int(r.followers)
	p.User.CreatedAt, p.User.UpdatedAt = time.Time(r.created).UTC(), time.Time(r.updated).UTC()
	p.User.SuspendedAt = time.Time(r.suspended).UTC()
	return p
}

// scanProfile is for one query.
func scanProfile() pgx.RowToFunc[Profile] {
	var r profileRow
	dest := r.destinations()
	return func(row pgx.CollectableRow) (Profile, error) {
		err := row.Scan(dest...)
		return r.take(), err
	}
}
