package httpapi

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/users"
)

type historyEntry struct {
	Version       int        `json:"version"`
	Position      int64      `json:"position"`
	Type          string     `json:"type"`
	RecordedAt    stamp      `json:"recordedAt"`
	Actor         string     `json:"actor"`
	Source        string     `json:"source"`
	CorrelationID uuid.UUID  `json:"correlationId"`
	CausationID   *uuid.UUID `json:"causationId"`
	Reason        *string    `json:"reason"`
	Changes       []change   `json:"changes"`
}

type change struct {
	Field string `json:"field"`
	From  any    `json:"from"`
	To    any    `json:"to"`
}

// place is where a page of a history begins.
type place struct {
	Behind int    // the version of the last entry of the page before; 0: at the beginning
	Order  string // "asc" or "desc"
	Limit  int
}

func (a *api) history(r *request) error {
	p := place{Order: "desc", Limit: defaultLimit}
	scope := "history of " + r.id.String()
	err := a.cursors.resume(r, scope, &p, func() error { return r.query.choice("order", &p.Order, "asc", "desc") })
	if err := cmp.Or(err, number(r.query, "limit", &p.Limit, 1, maxLimit)); err != nil {
		return err
	}
	ctx, cancel := within(r.Request, readTimeout)
	defer cancel()
	entries, more, err := a.users.History(ctx, r.id, p.Behind, p.Limit, p.Order == "asc")
	if err != nil {
		return err
	}
	answer := page[historyEntry]{Data: make([]historyEntry, 0, len(entries))}
	for _, e := range entries {
		answer.Data = append(answer.Data, newHistoryEntry(e))
		p.Behind = e.Version
	}
	if more {
		cursor, err := a.cursors.seal(scope, p)
		if err != nil {
			return err
		}
		answer.follow(r.w, r.URL.EscapedPath()+"?cursor=", cursor)
	}
	return writeJSON(r.w, http.StatusOK, answer)
}

func newHistoryEntry(e users.HistoryEntry) historyEntry {
	shown := historyEntry{
		Version: e.Version, Position: e.Position, Type: e.Type, RecordedAt: stamp(e.RecordedAt),
		Actor: e.Actor, Source: e.Source, CorrelationID: e.CorrelationID, CausationID: e.CausationID,
	}
	if e.Reason != "" {
		shown.Reason = &e.Reason
	}
	for _, c := range e.Changes {
		shown.Changes = append(shown.Changes, newChange(c))
	}
	return shown
}

func newChange(c users.Change) change { return change{c.Field, member(c.From), member(c.To)} }

// member is a value as the user's JSON shows it.
func member(value any) any {
	if t, ok := value.(time.Time); ok {
		return stamp(t)
	}
	return value
}

type event struct {
	ID            uuid.UUID      `json:"id"`
	UserID        uuid.UUID      `json:"userId"`
	Version       int            `json:"version"`
	Position      int64          `json:"position"`
	Type          string         `json:"type"`
	SchemaVersion int            `json:"schemaVersion"`
	Data          jsontext.Value `json:"data"`
	Metadata      any            `json:"metadata"`
	RecordedAt    stamp          `json:"recordedAt"`
}

// events pages by version, which needs no secret: the cursor is the last version seen.
func (a *api) events(r *request) error {
	after, limit := -1, defaultLimit
	cursor := after
	if err := cmp.Or(
		number(r.query, "after_version", &after, 0, maxVersion),
		number(r.query, "limit", &limit, 1, maxLimit),
	); err != nil {
		return err
	}
	if number(r.query, "cursor", &cursor, 1, maxVersion) != nil {
		return errCursor
	}
	if cursor >= 0 && after > cursor { // a page behind a version ends behind it
		return errFilters
	}
	ctx, cancel := within(r.Request, readTimeout)
	defer cancel()
	events, more, err := a.users.Events(ctx, r.id, max(after, cursor, 0), limit)
	if err != nil {
		return err
	}
	answer := page[event]{Data: make([]event, 0, len(events))}
	for _, e := range events {
		answer.Data = append(answer.Data, event{
			e.ID, e.UserID, e.Version, e.Position, e.Type, e.SchemaVersion, jsontext.Value(e.Data), e.Metadata, stamp(e.RecordedAt),
		})
	}
	if more {
		last := strconv.Itoa(events[len(events)-1].Version)
		answer.follow(r.w, r.URL.EscapedPath()+"?limit="+strconv.Itoa(limit)+"&cursor=", last)
	}
	return writeJSON(r.w, http.StatusOK, answer)
}
