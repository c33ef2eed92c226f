package users

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
)

// HistoryEntry is who changed what, when and why.
type HistoryEntry struct {
	Version       int
	Position      int64
	Type          string
	RecordedAt    time.Time
	Actor, Source string
	CorrelationID uuid.UUID
	CausationID   *uuid.UUID
	Reason        string // "" when the event gives none
	Changes       []Change
}

// StreamEvent is one stored event, its data upcast to the newest schema.
type StreamEvent struct {
	ID            uuid.UUID
	UserID        uuid.UUID
	Version       int
	Position      int64
	Type          string
	SchemaVersion int
	Data          json.RawMessage
	Metadata      eventstore.Metadata
	RecordedAt    time.Time
}

// History returns at most limit entries that follow version from (exclusive; 0: from the beginning),
// newest first, or oldest first with asc, and whether more follow. It works for deleted users.
// Errors: domain.ErrUserNotFound, ErrUnavailable.
func (u *Users) History(ctx context.Context, id uuid.UUID, from, limit int, asc bool) (entries []HistoryEntry, more bool, err error) {
	newest, err := u.newest(ctx, id)
	if err != nil {
		return nil, false, err
	}
	after, through := from, min(from+limit, newest)
	if !asc {
		through = newest
		if from > 0 {
			through = min(from-1, newest)
		}
		after = max(through-limit, 0)
	}
	entries, err = u.entries(ctx, id, after, through)
	if err != nil {
		return nil, false, outward(err)
	}
	if asc {
		return entries, through < newest, nil
	}
	slices.Reverse(entries)
	return entries, after > 0, nil
}

// entries tells the changes behind one version and up to another, starting from the user as it was then.
func (u *Users) entries(ctx context.Context, id uuid.UUID, after, through int) ([]HistoryEntry, error) {
	if after >= through {
		return nil, nil
	}
	user := domain.NewUser(id)
	if after > 0 {
		view, _, err := u.fold(ctx, eventstore.Load{StreamID: id, Bound: eventstore.Bound{Version: after}})
		if err != nil {
			return nil, err
		}
		user = view.User
	}
	entries := make([]HistoryEntry, 0, through-after)
	err := u.follow(ctx, user, through, func(s step) error {
		entries = append(entries, newEntry(s))
		return nil
	})
	return entries, err
}

// step is an event between the user before it and the user after it.
type step struct {
	eventstore.Recorded
	event         domain.Event
	before, after domain.User
}

// follow goes with a user through the events up to a version, oldest first. However many there are, no
// more than a batch of them is held.
func (u *Users) follow(ctx context.Context, user domain.User, through int, visit func(step) error) error {
	for after := user.Version; after < through; after += loadLimit {
		events, err := u.log.Stream(ctx, user.ID, after, min(after+loadLimit, through))
		if err != nil {
			return err
		}
		for _, e := range events {
			event, err := decode(e)
			if err != nil {
				return err
			}
			s := step{e, event, user, user.Apply(event, e.RecordedAt)}
			if err := visit(s); err != nil {
				return err
			}
			user = s.after
		}
	}
	return nil
}

// reason is what the one who acted gave as such: in the event, or beside it where it has no room for one.
func (s step) reason() string {
	switch e := s.event.(type) {
	case domain.UserSuspended:
		return e.Reason
	case domain.UserDeleted:
		return e.Reason
	}
	return s.Metadata.Reason
}

func newEntry(s step) HistoryEntry {
	return HistoryEntry{
		Version: s.Version, Position: s.Position, Type: s.Type, RecordedAt: s.RecordedAt,
		Actor: s.Metadata.Actor, Source: s.Metadata.Source,
		CorrelationID: s.Metadata.CorrelationID, CausationID: s.Metadata.CausationID,
		Reason: s.reason(), Changes: changes(s.before, s.after),
	}
}

// Events returns at most limit events of a user behind a version, oldest first, and whether more
// follow. It works for deleted users. Errors: domain.ErrUserNotFound, ErrUnavailable.
func (u *Users) Events(ctx context.Context, id uuid.UUID, afterVersion, limit int) (events []StreamEvent, more bool, err error) {
	newest, err := u.newest(ctx, id)
	if err != nil {
		return nil, false, err
	}
	through := min(afterVersion+limit, newest)
	stored, err := u.log.Stream(ctx, id, afterVersion, through)
	if err != nil {
		return nil, false, outward(err)
	}
	events = make([]StreamEvent, 0, len(stored))
	for _, e := range stored {
		event, err := upcast(e)
		if err != nil {
			return nil, false, outward(err)
		}
		events = append(events, event)
	}
	return events, through < newest, nil
}

func upcast(e eventstore.Recorded) (StreamEvent, error) {
	typ, schema, data, err := domain.Upcast(e.Type, e.SchemaVersion, e.Data)
	if err != nil {
		return StreamEvent{}, fmt.Errorf("event at position %d: %w", e.Position, err)
	}
	return StreamEvent{
		ID: e.ID, UserID: e.StreamID, Version: e.Version, Position: e.Position,
		Type: typ, SchemaVersion: schema, Data: data, Metadata: e.Metadata, RecordedAt: e.RecordedAt,
	}, nil
}

// newest returns the newest version of a user that exists or existed.
func (u *Users) newest(ctx context.Context, id uuid.UUID) (int, error) {
	version, err := u.log.Version(ctx, domain.StreamType, id)
	if err != nil {
		return 0, outward(err)
	}
	if version == 0 {
		return 0, domain.ErrUserNotFound
	}
	return version, nil
}
