package httpapi

import (
	"net/http"
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
	ctx, cancel := within(r, readTimeout)
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
