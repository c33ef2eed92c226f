package users

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/projections"
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
func (u *Users) At(ctx context.Context, id uuid.UUID, p Point) (m Moment, err error) {
	if p.Version > 0 {
		m, err = u.atVersion(ctx, id, p)
	} else {
		m, err = u.atMoment(ctx, id, p)
	}
	if m.AsOf = p.Time; p.Time.IsZero() {
		m.AsOf = m.Newest
	}
	return m, err
}

func (u *Users) atVersion(ctx context.Context, id uuid.UUID, p Point) (m Moment, err error) {
	if m.View, err = u.livingAt(ctx, id, p, nil); err == nil {
		m.Activity, err = u.activityAt(ctx, id, projections.At(m.place()))
	}
	m.Newest = m.User.UpdatedAt // nothing behind the version's own event is shown
	return m, err
}

func (u *Users) atMoment(ctx context.Context, id uuid.UUID, p Point) (m Moment, err error) {
	moment := projections.AsOf(p.Time)
	if !u.sought(p) {
		place, err := u.reach(ctx, p)
		if err != nil {
			return m, outward(err)
		}
		moment = projections.At(place)
	}
	counting := projections.Count(id, moment)
	if m.View, err = u.livingAt(ctx, id, p, counting); err == nil {
		m.Activity, err = u.profiles.Counted(ctx, counting, activityPatience)
	}
	if m.Newest = m.User.UpdatedAt; counting.Since().After(m.Newest) {
		m.Newest = counting.Since()
	}
	return m, fromProfiles(err)
}

func (u *Users) livingAt(ctx context.Context, id uuid.UUID, p Point, along eventstore.Rider) (View, error) {
	view, err := u.foldAt(ctx, id, p, along)
	if err != nil {
		return View{}, outward(err)
	}
	return view, view.User.Alive()
}

// A relay that works is there in a few milliseconds.
const activityPatience = time.Second

func (u *Users) activityAt(ctx context.Context, id uuid.UUID, m projections.Moment) (projections.Activity, error) {
	activity, err := u.profiles.ActivityAt(ctx, id, m, activityPatience)
	return activity, fromProfiles(err)
}

// foldAt returns the user at a point that is within reach, deleted or not, and without its counters.
func (u *Users) foldAt(ctx context.Context, id uuid.UUID, p Point, along eventstore.Rider) (View, error) {
	view, _, err := u.fold(ctx, eventstore.Load{StreamID: id, Bound: eventstore.Bound(p), Along: along})
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

// sought reports whether the place of a point is left to the read to find: nothing has to be waited for.
func (u *Users) sought(p Point) bool { return !p.Time.IsZero() && u.log.Closed(p.Time) }

// reach makes sure that whatever happened at or before a point can be read, and nothing can be added. It returns the
// place that the point means; that of a version is its event's, and not looked up.
func (u *Users) reach(ctx context.Context, p Point) (eventstore.Place, error) {
	if p.Version > 0 {
		return eventstore.Place{}, nil
	}
	place, head, err := u.placeOf(ctx, p)
	switch {
	case err != nil:
		return place, err
	case p.Position > head.Position:
		return place, ErrNoSuchPosition
	case !p.Time.After(head.RecordedAt):
		return place, nil // each batch has an instant later than the one before: this one is closed
	case p.Time.After(head.Clock):
		return place, ErrInFuture
	}
	if err := u.log.Settle(ctx); err != nil {
		return place, err
	}
	place, _, err = u.placeOf(ctx, p)
	return place, err
}

func (u *Users) placeOf(ctx context.Context, p Point) (eventstore.Place, eventstore.Head, error) {
	if p.Time.IsZero() {
		return u.log.PlaceOf(ctx, p.Position)
	}
	return u.log.PlaceAt(ctx, p.Time)
}

// whyNot tells a user that was not there at the point from one that never was.
func (u *Users) whyNot(ctx context.Context, id uuid.UUID) error {
	newest, err := u.log.Version(ctx, domain.StreamType, id)
	switch {
	case err != nil:
		return err
	case newest == 0:
		return domain.ErrUserNotFound
	}
	return ErrNotYetExisting
}
