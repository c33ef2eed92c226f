package httpapi

import (
	"cmp"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/outbox"
)

// A queue that is tried again can be a user's whole history.
const retryTimeout = 7 * time.Second

type deadLetter struct {
	ID            uuid.UUID `json:"id"`
	Projection    string    `json:"projection"`
	UserID        uuid.UUID `json:"userId"`
	Position      int64     `json:"position"`
	EventID       uuid.UUID `json:"eventId"`
	Type          string    `json:"type"`
	SchemaVersion int       `json:"schemaVersion"`
	State         string    `json:"state"`
	Attempts      int       `json:"attempts"`
	Error         *string   `json:"error"`
	FirstFailedAt *stamp    `json:"firstFailedAt"`
	LastFailedAt  *stamp    `json:"lastFailedAt"`
	NextTryAt     *stamp    `json:"nextTryAt"`
	SkippedBy     *string   `json:"skippedBy"`
	SkipReason    *string   `json:"skipReason"`
	SkippedAt     *stamp    `json:"skippedAt"`
}

func newDeadLetter(d outbox.DeadLetter) deadLetter {
	return deadLetter{
		ID: d.ID, Projection: d.Subscription, UserID: d.UserID, Position: d.Position, EventID: d.EventID,
		Type: d.Type, SchemaVersion: d.SchemaVersion, State: d.State, Attempts: d.Attempts, Error: d.Error,
		FirstFailedAt: (*stamp)(d.FirstFailedAt), LastFailedAt: (*stamp)(d.LastFailedAt), NextTryAt: (*stamp)(d.NextTryAt),
		SkippedBy: d.SkippedBy, SkipReason: d.SkipReason, SkippedAt: (*stamp)(d.SkippedAt),
	}
}

// letterPage is what selects a page of dead letters.
type letterPage struct {
	Projection, State string
	After             outbox.LetterPlace
}

func (a *api) deadLetters(r *request) error {
	var p letterPage
	limit := defaultLimit
	err := a.cursors.resume(r, "dead letters", &p, func() error {
		p.Projection = cmp.Or(r.query["projection"], p.Projection)
		return r.query.choice("state", &p.State, outbox.Retrying, outbox.Dead, outbox.Waiting, outbox.Skipped)
	})
	if err := cmp.Or(err, number(r.query, "limit", &limit, 1, maxLimit)); err != nil {
		return err
	}
	ctx, cancel := within(r.Request, readTimeout)
	defer cancel()
	if p.Projection != "" {
		if _, err := a.relay.Status(ctx, p.Projection); err != nil {
			return err
		}
	}
	letters, err := a.relay.DeadLetters(ctx, p.Projection, p.State, p.After, limit+1)
	if err != nil {
		return err
	}
	return a.writeDeadLetters(r, p, letters, limit)
}

// writeDeadLetters gets one more than fits on the page if another page follows.
func (a *api) writeDeadLetters(r *request, p letterPage, letters []outbox.DeadLetter, limit int) error {
	answer := page[deadLetter]{Data: make([]deadLetter, 0, len(letters))}
	for _, d := range letters[:min(limit, len(letters))] {
		answer.Data = append(answer.Data, newDeadLetter(d))
		p.After = d.Place()
	}
	if len(letters) > limit {
		cursor, err := a.cursors.seal("dead letters", p)
		if err != nil {
			return err
		}
		answer.follow(r.w, "/v1/dead-letters?cursor=", cursor)
	}
	return writeJSON(r.w, http.StatusOK, answer)
}

// opened is a dead letter with what its event says.
type opened struct {
	deadLetter
	Data jsontext.Value `json:"data"`
}

// deadLetter shows what is about a person, so it is on record who looked.
func (a *api) deadLetter(r *request) error {
	ctx, cancel := within(r.Request, readTimeout)
	defer cancel()
	found, data, err := a.relay.DeadLetter(ctx, r.id)
	if err != nil {
		return err
	}
	a.log.Warn().Str("actor", r.cause.Actor).Stringer("deadLetter", found.ID).Int64("position", found.Position).Msg("somebody looked at what a dead letter says")
	return writeJSON(r.w, http.StatusOK, opened{newDeadLetter(found), data})
}

// parked is what is left of a user's queue.
type parked struct {
	Parked int `json:"parked"`
}

func (a *api) retryDeadLetter(r *request) error {
	if err := r.emptyBody(); err != nil {
		return err
	}
	ctx, cancel := within(r.Request, retryTimeout)
	defer cancel()
	left, err := a.relay.Retry(ctx, r.id)
	if err != nil {
		return err
	}
	return writeJSON(r.w, http.StatusOK, parked{left})
}

func (a *api) retryDeadLetters(r *request) error {
	if err := r.emptyBody(); err != nil {
		return err
	}
	ctx, cancel := within(r.Request, retryTimeout)
	defer cancel()
	users, err := a.relay.RetryAll(ctx)
	if err != nil {
		return err
	}
	return writeJSON(r.w, http.StatusAccepted, struct {
		Users int64 `json:"users"`
	}{users})
}

func (a *api) skipDeadLetter(r *request) error {
	var body struct {
		Reason *string `json:"reason" validate:"required"`
	}
	wrong, err := r.decode(&body)
	if err != nil {
		return err
	}
	why := value(wrong, body.Reason, domain.ParseReason)
	if err := wrong.err(); err != nil {
		return err
	}
	ctx, cancel := within(r.Request, retryTimeout)
	defer cancel()
	left, err := a.relay.Skip(ctx, r.id, r.cause.Actor, string(why))
	if err != nil {
		return err
	}
	return writeJSON(r.w, http.StatusOK, parked{left})
}
