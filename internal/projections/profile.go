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

// destinations are where profileColumns are scanned to, a row of an outer join that found none
// included: it leaves zeros. done is to be called after each scan.
func (p *Profile) destinations() (dest []any, done func()) {
	u, a := &p.User, &p.Activity
	var version, posts, followers zeronull.Int8
	var created, updated, suspended zeronull.Timestamptz
	dest = []any{
		(*zeronull.UUID)(&u.ID), &version, (*zeronull.Int8)(&p.Position), (*zeronull.Int8)(&a.Position), &posts, &followers,
		&created, &updated, &suspended, (*zeronull.Text)(&u.Status), (*zeronull.Text)(&u.Email),
		(*zeronull.Text)(&u.DisplayName), (*zeronull.Text)(&u.FirstName), (*zeronull.Text)(&u.LastName),
		(*zeronull.Text)(&u.SuspensionReason), &u.Roles,
	}
	return dest, func() {
		u.Version, a.PostCount, a.FollowerCount = int(version), int(posts), int(followers)
		u.CreatedAt, u.UpdatedAt, u.SuspendedAt = time.Time(created).UTC(), time.Time(updated).UTC(), time.Time(suspended).UTC()
	}
}

func scanProfile(row pgx.CollectableRow) (Profile, error) {
	var p Profile
	dest, done := p.destinations()
	err := row.Scan(dest...)
	done()
	return p, err
}
