package users

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
)

// decideRestore gives a restore the user as it was, and each event of it what it undoes. Both belong to
// one version of the user: after a race that was lost they are looked up again.
func (u *Users) decideRestore(ctx context.Context, now domain.User, c domain.Restore) (decision, error) {
	if c.Version >= 1 && c.Version <= now.Version {
		then, _, err := u.fold(ctx, eventstore.Load{StreamID: now.ID, Bound: eventstore.Bound{Version: c.Version}})
		if err != nil {
			return decision{}, err
		}
		c.Past = then.User
	}
	events, err := c.Decide(now)
	if err != nil || len(events) == 0 {
		return decision{}, err
	}
	causes, err := u.undone(ctx, c.Past, now, events)
	return decision{events, causes}, err
}

// undone finds for each event of a restore the newest event since then that changed the same.
func (u *Users) undone(ctx context.Context, then, now domain.User, events []domain.Event) ([]uuid.UUID, error) {
	found := make([]uuid.UUID, len(events))
	wanted := make(map[string]*uuid.UUID)
	after := now
	for i, e := range events {
		before := after
		after = before.Apply(e, before.UpdatedAt)
		for _, mark := range marks(before, after) {
			wanted[mark] = &found[i]
		}
	}
	err := u.follow(ctx, then, now.Version, func(s step) error {
		for _, mark := range marks(s.before, s.after) {
			if id := wanted[mark]; id != nil {
				*id = s.ID
			}
		}
		return nil
	})
	return found, err
}

// marks are the members that differ, but for roles, each of which is one by itself.
func marks(before, after domain.User) (differ []string) {
	for _, c := range changes(before, after) {
		if c.Field != "roles" {
			differ = append(differ, c.Field)
			continue
		}
		for _, role := range slices.Concat(before.Roles, after.Roles) {
			if holds(before, role) != holds(after, role) {
				differ = append(differ, "role "+role)
			}
		}
	}
	return differ
}

func holds(u domain.User, role string) bool {
	_, held := slices.BinarySearch(u.Roles, role)
	return held
}
