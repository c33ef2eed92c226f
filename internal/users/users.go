package users

import (
	"context"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/projections"
)

// DefaultSnapshotEvery keeps a replay within a hundred events, which takes less than a millisecond.
const DefaultSnapshotEvery = 100

// Half a kilobyte each, and as much again four times over until it is collected: more of them and the service takes more than
// a hundred megabytes. Enough for those who are changed again while it matters.
const cachedUsers = 16_000

// Users executes commands and answers questions about single users.
type Users struct {
	log       *eventstore.Log
	profiles  *projections.Profiles
	cache     *lru.Cache[uuid.UUID, View]
	turns     *turns
	snapshots *snapshots
	observer  Observer
}

// New works on a log and on its profiles. Every so many events of a user a snapshot is kept.
func New(log *eventstore.Log, profiles *projections.Profiles, snapshotEvery int, logger zerolog.Logger) *Users {
	cache, err := lru.New[uuid.UUID, View](cachedUsers)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &Users{
		log: log, profiles: profiles, cache: cache, turns: newTurns(), snapshots: newSnapshots(log, snapshotEvery, logger), observer: ignored(),
	}
}

// Close saves the snapshots that are due, until ctx ends. It is called after the last command.
func (u *Users) Close(ctx context.Context) { u.snapshots.close(ctx) }
