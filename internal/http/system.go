package httpapi

import (
	"net/http"
)

// Instant is a time as clients see it.
type Instant = stamp

// System is the service as a whole, as this process sees it.
type System struct {
	Version   string        `json:"version"`
	Go        string        `json:"go"`
	StartedAt Instant       `json:"startedAt"`
	Settings  []Setting     `json:"settings"`
	Database  *Database     `json:"database"` // nil: it cannot be reached
	Pool      Pool          `json:"pool"`
	Replicas  []Replica     `json:"replicas"` // this process among them; none when the database cannot be reached
	Errors    []LoggedError `json:"errors"`   // newest first
}

// Setting is a variable of the environment and its value, from which secrets are gone.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Database is the server and its state.
type Database struct {
	Version         string `json:"version"`
	Schema          int    `json:"schema"`
	Bytes           int64  `json:"bytes"`
	Connections     int    `json:"connections"`
	ConnectionLimit int    `json:"connectionLimit"`
}

// Pool is the connections of this process.
type Pool struct {
	Open  int `json:"open"`
	InUse int `json:"inUse"`
	Limit int `json:"limit"`
}

// Replica is a process that serves from this database.
type Replica struct {
	Name        string  `json:"name"`
	Connections int     `json:"connections"`
	Since       Instant `json:"since"` // of its oldest connection
}

// LoggedError is a line that was logged as a warning or worse.
type LoggedError struct {
	At      Instant `json:"at"`
	Level   string  `json:"level"`
	Message string  `json:"message"`
	Error   string  `json:"error"`
}

func (a *api) showSystem(r *request) error {
	ctx, cancel := within(r.Request, readTimeout)
	defer cancel()
	return writeJSON(r.w, http.StatusOK, a.system(ctx))
}
