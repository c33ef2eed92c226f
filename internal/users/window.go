package users

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/projections"
)

// Window is what lies between two moments: events behind From, up to and with To.
type Window struct {
	From, To Past
}

// Window finds the places of two moments; a nil to is the newest position. Errors: those of Past, and ErrBackwards.
func (u *Users) Window(ctx context.Context, from Point, to *Point) (w Window, err error) {
	if to == nil {
		head, err := u.log.Head(ctx)
		if err != nil {
			return w, outward(err)
		}
		to = &Point{Position: head.Position}
	}
	if w.From, err = u.Past(ctx, from); err != nil {
		return w, err
	}
	if w.To, err = u.Past(ctx, *to); err != nil {
		return w, err
	}
	if w.From.Position > w.To.Position || !to.Time.IsZero() && from.Time.After(to.Time) {
		return w, ErrBackwards
	}
	return w, nil
}

// Selection says which of the users who differ are wanted, and which of them a page shows.
type Selection struct {
	Fields []string // in which they differ, as in Change; nil: any
	Desc   bool     // those whose newest event in the window is the newest first
	After  *projections.After
	Limit  int
}

// Differing is a page of users who differ between the two moments of a window. It may be short, or empty, though there
// is a Next one: what has changed and changed back is no difference.
type Differing struct {
	Diffs []Diff // Members are those that were asked for
	projections.Page
}

// A page is looked for among so many times its limit.
const reads = 10

// Differing finds who differs between the two moments of a window, in the members that events change, deleted users as
// well. What it answers never changes while no user is parked. It waits up to patience for the projection, or else
// projections.ErrLagging.
func (u *Users) Differing(ctx context.Context, w Window, s Selection, patience time.Duration) (d Differing, err error) {
	q := projections.Query{
		Since: &eventstore.Place{Position: w.From.Position, RecordedAt: w.From.RecordedAt},
		Order: projections.Order{By: "updatedAt", Desc: s.Desc}, After: s.After,
	}
	for range reads {
		q.Limit = s.Limit - len(d.Diffs)
		if d.Page, err = u.ListAt(ctx, q, w.To, patience); err != nil {
			return d, err
		}
		found, err := u.compare(ctx, w.From, d.Profiles, s.Fields)
		if err != nil {
			return d, err
		}
		d.Diffs = append(d.Diffs, found...)
		if q.After = d.Next; d.Next == nil || len(d.Diffs) == s.Limit {
			break
		}
	}
	return d, u.attributeAll(ctx, d.Diffs)
}

// compare tells what users were before from what they are in the rows.
func (u *Users) compare(ctx context.Context, before Past, rows []projections.Profile, fields []string) (found []Diff, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	q := projections.Query{Limit: len(rows), Order: projections.Order{By: "createdAt"}}
	for _, row := range rows {
		q.IDs = append(q.IDs, row.User.ID)
	}
	were, err := u.ListAt(ctx, q, before, 0) // none was deleted: they have events since
	if err != nil {
		return nil, err
	}
	from := make(map[uuid.UUID]View)
	for _, row := range were.Profiles {
		from[row.User.ID] = View{User: row.User, Position: row.Position}
	}
	for _, row := range rows {
		d := Diff{From: from[row.User.ID], To: View{User: row.User, Position: row.Position}}
		for _, c := range changes(d.From.User, d.To.User) {
			if fields == nil || slices.Contains(fields, c.Field) {
				d.Members = append(d.Members, Difference{Change: c})
			}
		}
		if d.Members != nil {
			found = append(found, d)
		}
	}
	return found, nil
}

// So many are read for at once. One alone would be slow, and all would be unfair.
const attributions = 4

func (u *Users) attributeAll(ctx context.Context, diffs []Diff) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(attributions)
	for _, d := range diffs {
		g.Go(func() error { return u.attribute(ctx, d) })
	}
	return outward(g.Wait())
}

// attribute finds the events that changed the members, among the newest MostEvents of the user.
func (u *Users) attribute(ctx context.Context, d Diff) error {
	newest := d.To.User.Version
	entries, err := u.entries(ctx, d.To.User.ID, max(d.From.User.Version, newest-MostEvents), newest)
	for _, e := range entries {
		for _, c := range e.Changes {
			if i := slices.IndexFunc(d.Members, func(m Difference) bool { return m.Field == c.Field }); i >= 0 {
				d.Members[i].Events = append(d.Members[i].Events, e)
			}
		}
	}
	return err
}

// Fields are the members that events change, in the order in which the user shows them.
func Fields() (names []string) {
	for _, m := range members(View{}.User) {
		names = append(names, m.name)
	}
	return names
}
