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

// Skip moves a user's row past an event that was given up, in the relay's transaction, so that the
// events behind it can be applied.
func Skip(ctx context.Context, tx pgx.Tx, e eventstore.Recorded) error {
	if e.StreamType != domain.StreamType {
		return nil // its effect is not awaited by anything
	}
	profiles, err := profilesBefore(ctx, tx, []eventstore.Recorded{e})
	if err != nil {
		return err
	}
	p := profiles[e.StreamID]
	p.User.ID = e.StreamID
	if p.User.Version != e.Version-1 {
		return fmt.Errorf("event at position %d is version %d of user %s, but the profile is at version %d", e.Position, e.Version, e.StreamID, p.User.Version)
	}
	return upsert(ctx, tx, map[uuid.UUID]Profile{e.StreamID: p.Pass(e)})
}
