package httpapi

import (
	"context"
	"net/http"

	"github.com/usersvc/usersvc/internal/outbox"
)

// Readiness is what /readyz answers. Whoever supplies it decides: a projection that lags is a warning,
// no reason not to serve.
type Readiness struct {
	Ready         bool
	Database      bool // it answers
	SchemaCurrent int  // of the database; 0: not known
	SchemaLatest  int  // that this build needs
	Warnings      []string
}

type readiness struct {
	Status   string   `json:"status"`
	Database string   `json:"database"`
	Schema   schema   `json:"schema"`
	Warnings []string `json:"warnings"`
}

type schema struct {
	Current *int `json:"current"`
	Latest  int  `json:"latest"`
}

func live(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, struct {
		Status string `json:"status"`
	}{"ok"})
}

func (a *api) readiness(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	state := a.ready(ctx)
	answer := readiness{Status: "ready", Database: "ok", Schema: schema{Latest: state.SchemaLatest}, Warnings: state.Warnings}
	status := http.StatusOK
	if !state.Ready {
		status, answer.Status = http.StatusServiceUnavailable, "unavailable"
	}
	if !state.Database {
		answer.Database = "unreachable"
	}
	if state.SchemaCurrent > 0 {
		answer.Schema.Current = &state.SchemaCurrent
	}
	return writeJSON(w, status, answer)
}

// projection is where a projection stands.
type projection struct {
	Name       string  `json:"name"`
	Status     string  `json:"status"`
	Position   int64   `json:"position"`
	Head       int64   `json:"head"`
	LagEvents  int64   `json:"lagEvents"`
	LagSeconds float64 `json:"lagSeconds"`
	Rate       float64 `json:"rate"`
	Parked     int64   `json:"parked"`
	LastError  *string `json:"lastError"`
}

func newProjection(s outbox.Status) projection {
	p := projection{
		Name: s.Name, Status: s.State, Position: s.Position, Head: s.Head, LagEvents: s.LagEvents,
		LagSeconds: s.LagSeconds, Rate: s.Rate, Parked: s.Parked,
	}
	if s.LastError != "" {
		p.LastError = &s.LastError
	}
	return p
}

func (a *api) projections(r *request) error {
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	statuses, err := a.relay.Statuses(ctx)
	if err != nil {
		return err
	}
	var answer struct {
		Data []projection `json:"data"`
	}
	for _, s := range statuses {
		answer.Data = append(answer.Data, newProjection(s))
	}
	return writeJSON(r.w, http.StatusOK, answer)
}

func (a *api) projection(r *request) error {
	name, err := r.segment("name")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), readTimeout)
	defer cancel()
	status, err := a.relay.Status(ctx, name)
	if err != nil {
		return err
	}
	return writeJSON(r.w, http.StatusOK, newProjection(status))
}
