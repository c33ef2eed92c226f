package users

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
)

// Get returns the user as it is, whatever the projection lacks: domain.ErrUserNotFound,
// domain.ErrUserDeleted, or ErrUnavailable.
func (u *Users) Get(ctx context.Context, id uuid.UUID) (Current, error) {
	current, err := u.current(ctx, id)
	if err != nil {
		return Current{}, err
	}
	return current, current.User.Alive()
}

func (u *Users) current(ctx context.Context, id uuid.UUID) (Current, error) {
	row, err := u.profiles.Current(ctx, id)
	if err != nil {
		return Current{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	view := View{User: row.User, Activity: row.Activity, Position: row.Position}
	if row.LongTail {
		folded, _, err := u.fold(ctx, eventstore.Load{StreamID: id})
		if err != nil {
			return Current{}, outward(err)
		}
		view.User, view.Position = folded.User, folded.Position
	}
	return Current{View: view, ProjectionPosition: row.Checkpoint}, nil
}

// At returns the user at a point of its past, both ends included: domain.ErrUserNotFound,
// ErrNotYetExisting, domain.ErrUserDeleted, ErrInFuture, ErrNoSuchVersion, ErrNoSuchPosition,
// ErrUnavailable, or projections.ErrLagging while the counters at the point are not known yet. The
// answer for a point never changes.
func (u *Users) At(ctx context.Context, id uuid.UUID, p Point) (Moment, error) {
	view, err := u.past(ctx, id, p)
	if err != nil {
		return Moment{}, outward(err)
	}
	if err := view.User.Alive(); err != nil {
		return Moment{}, err
	}
	place, err := u.placeOf(ctx, p, view)
	if err != nil {
		return Moment{}, outward(err)
	}
	if view.Activity, err = u.profiles.ActivityAt(ctx, id, place, activityPatience); err != nil {
		return Moment{}, fromProfiles(err)
	}
	m := Moment{View: view, AsOf: p.Time}
	if p.Time.IsZero() {
		m.AsOf = view.User.UpdatedAt
	}
	return m, nil
}

// A relay that works is there in a few milliseconds.
const activityPatience = time.Second

// past returns the user at a point, deleted or not, and without its counters.
func (u *Users) past(ctx context.Context, id uuid.UUID, p Point) (View, error) {
	if err := u.reach(ctx, p); err != nil {
		return View{}, err
	}
	view, _, err := u.fold(ctx, eventstore.Load{StreamID: id, Bound: eventstore.Bound(p)})
	switch {
	case err != nil:
		return View{}, err
	case view.User.Version == 0:
		return View{}, u.whyNot(ctx, id)
	case view.User.Version < p.Version:
		return View{}, ErrNoSuchVersion
	}
	return view, nil
}

// placeOf returns the position of a point: the moment of a version is that of its event.
func (u *Users) placeOf(ctx context.Context, p Point, view View) (int64, error) {
	switch {
	case p.Version > 0:
		return view.Position, nil
	case !p.Time.IsZero():
		place, err := u.log.PlaceAt(ctx, p.Time)
		return place.Position, err
	}
	return p.Position, nil
}

// reach makes sure that whatever happened at or before a point can be read, and nothing can be added.
func (u *Users) reach(ctx context.Context, p Point) error {
	if p.Version > 0 {
		return nil
	}
	head, err := u.log.Head(ctx)
	switch {
	case err != nil:
		return err
	case p.Position > head.Position:
		return ErrNoSuchPosition
	case !p.Time.After(head.RecordedAt):
		return nil // each batch has an instant later than the one before: this one is closed
	case p.Time.After(head.Clock):
		return ErrInFuture
	}
	return u.log.Settle(ctx)
}

// whyNot tells a user that was not there at the point from one that never was.
func (u *Users) whyNot(ctx context.Context, id uuid.UUID) error {
	newest, err := u.log.Version(ctx, id)
	switch {
	case err != nil:
		return err
	case newest == 0:
		return domain.ErrUserNotFound
	}
	return ErrNotYetExisting
}
