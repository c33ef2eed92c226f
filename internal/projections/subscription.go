package projections

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
)

// Subscription is the name under which user_profiles follows the log.
const Subscription = "user_profiles"

// UserOf returns the user whom an event is about: nobody else's rows depend on it. An event of another
// domain that this build cannot read is about its own stream, so that it holds up nobody.
func UserOf(e eventstore.Recorded) uuid.UUID {
	if e.StreamType != domain.ActivityType {
		return e.StreamID
	}
	_, event, err := domain.DecodeActivity(e.Type, e.SchemaVersion, e.Data)
	if err != nil {
		return e.StreamID
	}
	return event.Subject()
}

// UserKey brings the events about a user together, as an expression to sort the log by: those with the same
// UserOf have the same key.
const UserKey = `(CASE WHEN stream_type = 'activity' AND schema_version = 1
  THEN COALESCE(lower(COALESCE(data->>'authorId', data->>'followedUserId')), stream_id::text)
  ELSE stream_id::text END) COLLATE "C"`

// Skip moves a user's row past an event that was given up, in the relay's transaction, so that the
// events behind it can be applied.
func (t Tables) Skip(ctx context.Context, tx pgx.Tx, e eventstore.Recorded) error {
	if e.StreamType != domain.StreamType {
		return nil // its effect is not awaited by anything
	}
	profiles, err := t.profilesBefore(ctx, tx, []eventstore.Recorded{e})
	if err != nil {
		return err
	}
	p := profiles[e.StreamID]
	p.User.ID = e.StreamID
	p = p.withTerms()
	if p.User.Version != e.Version-1 {
		return fmt.Errorf("event at position %d is version %d of user %s, but the profile is at version %d", e.Position, e.Version, e.StreamID, p.User.Version)
	}
	passed := p.Pass(e)
	if p.User.Version > 0 {
		if err := t.addVersions(ctx, tx, []version{p.supersede(passed)}); err != nil {
			return err
		}
	}
	return t.upsert(ctx, tx, map[uuid.UUID]Profile{e.StreamID: passed})
}
