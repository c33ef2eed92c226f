package users

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/tracing"
)

// A load of the present takes this many events at a time, and is over after the first where snapshots
// are kept. One of the past takes the events between two snapshots, as it visits those beyond its
// bound in vain.
const loadLimit = 1000

// load reads the user of a request afresh, with the record of its key if it has been used before.
func (u *Users) load(ctx context.Context, r Request) (view View, record *eventstore.Record, err error) {
	ctx, end := tracing.Step(ctx, "load")
	defer func() { end(err) }()
	want := eventstore.Load{StreamID: r.UserID}
	if r.Key != nil {
		want.Key = r.Key.hash()
	}
	var activity projections.Activity
	g, both := errgroup.WithContext(ctx) // one does not need the other
	g.Go(func() (err error) { activity, err = u.counters(both, r.UserID); return err })
	view, record, err = u.fold(ctx, want)
	if failed := g.Wait(); err == nil {
		err = failed
	}
	view.Activity = activity
	return view, record, err
}

func (u *Users) counters(ctx context.Context, id uuid.UUID) (projections.Activity, error) {
	activity, err := u.profiles.Activity(ctx, id)
	return activity, fromProfiles(err)
}

// fold returns a user within the bound, from the newest snapshot and the events after it. Counters
// are not among them. A user that did not exist has version 0.
func (u *Users) fold(ctx context.Context, want eventstore.Load) (View, *eventstore.Record, error) {
	var replay Replay
	began := time.Now()
	defer func() { replay.Took = time.Since(began); u.observer.Loaded(replay) }()
	want.StreamType, want.Schema, want.Limit = domain.StreamType, snapshotSchema, loadLimit
	if want.Bound != (eventstore.Bound{}) {
		want.Limit = u.snapshots.every
	}
	view := View{User: domain.NewUser(want.StreamID)}
	for {
		loaded, err := u.log.Load(ctx, want)
		if err != nil || loaded.Key != nil {
			return view, loaded.Key, err
		}
		replay.add(loaded)
		if loaded.Snapshot != nil {
			if view, err = decodeSnapshot(*loaded.Snapshot); err != nil {
				u.snapshots.unreadable(err)
				want.Schema, view = noSnapshots, View{User: domain.NewUser(want.StreamID)}
				continue // never an error: a snapshot is only a short cut, and is replaced on the way
			}
		}
		if view, err = u.applyAll(view, loaded.Events); err != nil || loaded.Complete {
			return view, nil, err
		}
		want.After, want.Along = view.User.Version, nil
	}
}

// applyAll folds events in. Where it passes a version that should have a snapshot, it has one kept.
func (u *Users) applyAll(view View, events []eventstore.Recorded) (View, error) {
	for _, e := range events {
		after, err := apply(view, e)
		if err != nil {
			return view, err
		}
		u.snapshots.consider(view, after)
		view = after
	}
	return view, nil
}

func apply(view View, e eventstore.Recorded) (View, error) {
	event, err := decode(e)
	if err != nil {
		return view, err
	}
	view.User, view.Position = view.User.Apply(event, e.RecordedAt), e.Position
	return view, nil
}

func decode(e eventstore.Recorded) (domain.Event, error) {
	event, err := domain.Decode(e.Type, e.SchemaVersion, e.Data)
	if err != nil {
		return nil, fmt.Errorf("event at position %d: %w", e.Position, err)
	}
	return event, nil
}
