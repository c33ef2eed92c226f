package demo

import (
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
)

// writer carries out what was planned, and writes what came of it.
type writer struct {
	to       io.Writer
	ids      *rand.Rand
	users    map[uuid.UUID]domain.User
	events   int
	reported int
}

// line is an event as an import takes it.
type line struct {
	StreamType    string          `json:"streamType"`
	StreamID      uuid.UUID       `json:"streamId"`
	Version       int             `json:"version"`
	Type          string          `json:"type"`
	SchemaVersion int             `json:"schemaVersion"`
	Data          json.RawMessage `json:"data"`
	Metadata      metadata        `json:"metadata"`
	RecordedAt    time.Time       `json:"recordedAt"`
}

type metadata struct {
	Actor         string    `json:"actor"`
	Source        string    `json:"source"`
	CorrelationID uuid.UUID `json:"correlationId"`
}

func (w *writer) carryOut(p planned) error {
	if p.activity != nil {
		return w.report(p)
	}
	user, ok := w.users[p.user]
	if !ok {
		user = domain.NewUser(p.user)
	}
	events, err := p.command.Decide(user)
	var rule *domain.Error
	if errors.As(err, &rule) {
		return nil // life is like that
	}
	if err != nil {
		return err
	}
	for _, e := range events {
		typ, schema, data, err := domain.Encode(e)
		if err != nil {
			return err
		}
		user = user.Apply(e, p.at)
		l := line{domain.StreamType, p.user, user.Version, typ, schema, data, metadata{p.actor, "api", idAt(p.at, w.ids)}, p.at}
		if err := w.write(l); err != nil {
			return err
		}
	}
	w.users[p.user] = user
	return nil
}

func (w *writer) report(p planned) error {
	w.reported++
	origin := domain.Origin{Source: "/posts", ID: strconv.Itoa(w.reported), Time: p.at}
	typ, schema, data, err := domain.EncodeActivity(origin, p.activity)
	if err != nil {
		return err
	}
	return w.write(line{domain.ActivityType, origin.StreamID(), 1, typ, schema, data, metadata{"posts", "events", idAt(p.at, w.ids)}, p.at})
}

func (w *writer) write(l line) error {
	w.events++
	l.RecordedAt = l.RecordedAt.UTC()
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	_, err = w.to.Write(append(text, '\n'))
	return err
}
