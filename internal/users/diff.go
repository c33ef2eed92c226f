package users

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/projections"
)

// MostEvents is how many events a difference names for each member: the newest.
const MostEvents = 100

// Diff is what differs between two moments of one user.
type Diff struct {
	From, To View
	Members  []Difference
}

// Difference is a member that ended otherwise than it began. Events are the newest of the Count events
// between that changed it, oldest first; those of other domains, which change the counters, are none.
type Difference struct {
	Change
	Count  int
	Events []HistoryEntry
}

// Diff compares a user at two points; a zero to is the newest position. It works for deleted users.
// Errors: those of At but for domain.ErrUserDeleted, and ErrBackwards. However many events lie between,
// only those that are answered with are held.
func (u *Users) Diff(ctx context.Context, id uuid.UUID, from, to Point) (Diff, error) {
	d, err := u.diff(ctx, id, from, to)
	return d, outward(err)
}

func (u *Users) diff(ctx context.Context, id uuid.UUID, from, to Point) (d Diff, err error) {
	if to == (Point{}) {
		head, err := u.log.Head(ctx)
		if err != nil {
			return d, err
		}
		to.Position = head.Position
	}
	begin, err := u.endOf(ctx, id, from)
	if err != nil {
		return d, err
	}
	end, err := u.endOf(ctx, id, to)
	switch {
	case errors.Is(err, ErrNotYetExisting): // but at from the user was there
		return d, ErrBackwards
	case err != nil:
		return d, err
	case begin.place.Position > end.place.Position, !to.Time.IsZero() && from.Time.After(to.Time):
		return d, ErrBackwards
	}
	if err := u.count(ctx, &begin, &end); err != nil {
		return d, err
	}
	d = Diff{From: begin.View, To: end.View}
	d.Members, err = u.differences(ctx, d.From, d.To)
	return d, err
}

// end is one of the two moments. Place is its own position, and not that of the user's newest event.
type end struct {
	View
	place eventstore.Place
}

func (u *Users) endOf(ctx context.Context, id uuid.UUID, p Point) (e end, err error) {
	if e.place, err = u.reach(ctx, p); err != nil {
		return e, err
	}
	e.View, err = u.foldAt(ctx, id, p, nil)
	if p.Version > 0 {
		e.place = e.View.place()
	}
	return e, err
}

func (u *Users) count(ctx context.Context, ends ...*end) (err error) {
	for _, e := range ends {
		if e.Activity, err = u.activityAt(ctx, e.User.ID, projections.At(e.place)); err != nil {
			return err
		}
	}
	return nil
}

func (u *Users) differences(ctx context.Context, from, to View) (found []Difference, err error) {
	at := make(map[string]*Difference)
	changed := changes(from.User, to.User)
	for _, c := range changed {
		at[c.Field] = &Difference{Change: c}
	}
	if len(changed) > 0 {
		err = u.follow(ctx, from.User, to.User.Version, func(s step) error {
			e := newEntry(s)
			for _, c := range e.Changes {
				if d := at[c.Field]; d != nil {
					d.add(e)
				}
			}
			return nil
		})
	}
	for _, c := range changed {
		at[c.Field].cut(MostEvents)
		found = append(found, *at[c.Field])
	}
	return append(found, counted(from.Activity, to.Activity)...), err
}

// add keeps at most twice as many events as are wanted, so that few are moved.
func (d *Difference) add(e HistoryEntry) {
	if len(d.Events) == 2*MostEvents {
		d.cut(MostEvents)
	}
	d.Events = append(d.Events, e)
	d.Count++
}

func (d *Difference) cut(most int) {
	d.Events = slices.Delete(d.Events, 0, max(len(d.Events)-most, 0))
}

func counted(from, to projections.Activity) (differ []Difference) {
	for _, c := range []Change{{"postCount", from.PostCount, to.PostCount}, {"followerCount", from.FollowerCount, to.FollowerCount}} {
		if c.From != c.To {
			differ = append(differ, Difference{Change: c})
		}
	}
	return differ
}
