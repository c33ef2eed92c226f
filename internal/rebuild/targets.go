package rebuild

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/users"
)

// Profiles is user_profiles with the ledger of activity. Live is the relay that works its subscription.
func Profiles(pool *pgxpool.Pool, live *outbox.Relay, retry outbox.Retry, log zerolog.Logger) Target {
	shadow := outbox.New(pool, outbox.Subscription{
		Name: projections.Subscription + "/rebuild", Handle: projections.Shadow.Apply, UserOf: projections.UserOf,
	}, retry, log)
	return Target{
		Name: projections.Subscription, Tables: projections.Names, Largest: "user_versions", Live: live, Shadow: shadow,
		Rows: func() Rows { return new(projections.Rebuilt) },
	}
}

// Snapshots is the snapshots of users, one for so many events.
func Snapshots(every int) Target {
	keep := func(_ uuid.UUID, version int) bool { return version%every == 0 }
	return Target{
		Name: "snapshots", Tables: []string{"snapshots"},
		Rows: func() Rows { return users.NewRebuiltSnapshots(keep) },
	}
}
