package users

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/projections"
)

// List answers from user_profiles, waiting up to patience until they show minPosition, or else
// projections.ErrLagging. Users asked for by nothing but their address or their ids are current.
func (u *Users) List(ctx context.Context, q projections.Query, minPosition int64, patience time.Duration) (projections.Page, error) {
	switch {
	case q.OnlyAddress():
		return u.byAddress(ctx, q)
	case q.OnlyIDs():
		return u.byIDs(ctx, q)
	}
	page, err := u.profiles.List(ctx, q, minPosition, patience)
	return page, fromProfiles(err)
}

// Past is where lists of the past are pinned to: a position of the log, and the instant that was asked for, or that of
// the event there. The zero Past is before the first event.
type Past struct {
	Position   int64
	RecordedAt time.Time // of the newest event included
	AsOf       time.Time
}

// Past finds the place that an instant or a position means: ErrInFuture, ErrNoSuchPosition or ErrUnavailable. What lists
// show of it never changes.
func (u *Users) Past(ctx context.Context, p Point) (Past, error) {
	place, err := u.reach(ctx, p)
	asOf := p.Time
	if asOf.IsZero() {
		asOf = place.RecordedAt
	}
	return Past{place.Position, place.RecordedAt, asOf}, outward(err)
}

// ListAt answers with users as they were, waiting up to patience until the projection has come that far, or else
// projections.ErrLagging.
func (u *Users) ListAt(ctx context.Context, q projections.Query, p Past, patience time.Duration) (projections.Page, error) {
	page, err := u.profiles.ListAt(ctx, q, projections.At(eventstore.Place{Position: p.Position, RecordedAt: p.RecordedAt}), patience)
	return page, fromProfiles(err)
}

// ListAsOf is Past and ListAt at once.
func (u *Users) ListAsOf(ctx context.Context, q projections.Query, p Point, patience time.Duration) (projections.Page, Past, error) {
	if !u.sought(p) {
		past, err := u.Past(ctx, p)
		if err != nil {
			return projections.Page{}, past, err
		}
		page, err := u.ListAt(ctx, q, past, patience)
		return page, past, err
	}
	page, err := u.profiles.ListAt(ctx, q, projections.AsOf(p.Time), patience)
	return page, Past{page.Place.Position, page.Place.RecordedAt, p.Time}, fromProfiles(err)
}

func fromProfiles(err error) error {
	if errors.Is(err, projections.ErrUnavailable) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// byAddress goes through the claim, which changes with the address and not with the projection.
func (u *Users) byAddress(ctx context.Context, q projections.Query) (projections.Page, error) {
	id, ok, err := u.log.Holder(ctx, emailClaim(q.Address))
	if err != nil {
		return projections.Page{}, outward(err)
	}
	if ok {
		q.IDs = []uuid.UUID{id}
	}
	return u.byIDs(ctx, q)
}

func (u *Users) byIDs(ctx context.Context, q projections.Query) (projections.Page, error) {
	checkpoint, err := u.profiles.Checkpoint(ctx) // before the users: they are at least as new
	if err != nil {
		return projections.Page{}, fromProfiles(err)
	}
	found := make([]Current, len(q.IDs))
	var g errgroup.Group
	for i, id := range q.IDs {
		g.Go(func() (err error) { // these meet in one query
			found[i], err = u.current(ctx, id)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return projections.Page{}, err
	}
	var living []projections.Profile
	for _, c := range found {
		// Between the claim and the user the address may have moved on.
		if c.User.Alive() == nil && (q.Address == "" || c.User.Address() == q.Address) {
			living = append(living, projections.Profile{User: c.User, Activity: c.Activity, Position: c.Position})
		}
	}
	page := cut(living, q)
	page.Position = checkpoint
	return page, nil
}

// cut sorts users and takes a page of them, as the database does for the other lists.
func cut(profiles []projections.Profile, q projections.Query) projections.Page {
	place := func(p projections.Profile) projections.After {
		return projections.After{Value: sortValue(p.User, q.Order.By), ID: p.User.ID}
	}
	compare := func(a, b projections.After) int {
		order := cmp.Or(cmp.Compare(a.Value, b.Value), slices.Compare(a.ID[:], b.ID[:]))
		if q.Order.Desc {
			return -order
		}
		return order
	}
	slices.SortFunc(profiles, func(a, b projections.Profile) int { return compare(place(a), place(b)) })
	profiles = slices.CompactFunc(profiles, func(a, b projections.Profile) bool { return a.User.ID == b.User.ID })
	page := projections.Page{Profiles: profiles, Total: int64(len(profiles))}
	if q.After != nil {
		page.Profiles = slices.DeleteFunc(slices.Clone(profiles), func(p projections.Profile) bool { return compare(place(p), *q.After) <= 0 })
	}
	if len(page.Profiles) > q.Limit {
		page.Profiles = page.Profiles[:q.Limit]
		last := place(page.Profiles[q.Limit-1])
		page.Next = &last
	}
	return page
}

// sortValue sorts as text in the order of the list.
func sortValue(u domain.User, by string) string {
	const sortable = "2006-01-02T15:04:05.000000"
	switch by {
	case "email":
		return u.Address()
	case "displayName":
		return u.DisplayName
	case "updatedAt":
		return u.UpdatedAt.Format(sortable)
	}
	return u.CreatedAt.Format(sortable)
}
