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
	events, err := u.log.Stream(ctx, id, after, through)
	if err != nil {
		return nil, err
	}
	entries := make([]HistoryEntry, 0, len(events))
	for _, e := range events {
		event, err := decode(e)
		if err != nil {
			return nil, err
		}
		after := user.Apply(event, e.RecordedAt)
		entries = append(entries, newEntry(e, reason(event), changes(user, after)))
		user = after
	}
	return entries, nil
}

// reason is what the one who acted gave as such.
func reason(e domain.Event) string {
	switch e := e.(type) {
	case domain.UserSuspended:
		return e.Reason
	case domain.UserDeleted:
		return e.Reason
	}
	return ""
}

func newEntry(e eventstore.Recorded, reason string, changes []Change) HistoryEntry {
	return HistoryEntry{
		Version: e.Version, Position: e.Position, Type: e.Type, RecordedAt: e.RecordedAt,
		Actor: e.Metadata.Actor, Source: e.Metadata.Source,
		CorrelationID: e.Metadata.CorrelationID, CausationID: e.Metadata.CausationID,
		Reason: reason, Changes: changes,
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
	version, err := u.log.Version(ctx, id)
	if err != nil {
		return 0, outward(err)
	}
	if version == 0 {
		return 0, domain.ErrUserNotFound
	}
	return version, nil
}
