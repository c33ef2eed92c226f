package httpapi

import (
	"context"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usersvc/usersvc/internal/users"
)

type dryRun struct {
	DryRun bool    `json:"dryRun"` // true: so that nobody takes the answer for a user
	Events []draft `json:"events"`
	User   user    `json:"user"`
}

type draft struct {
	Type          string         `json:"type"`
	SchemaVersion int            `json:"schemaVersion"`
	Version       int            `json:"version"`
	Data          jsontext.Value `json:"data"`
}

// dryRun answers with what a command would do. It has no ETag and no position: those belong to versions
// that exist.
func (a *api) dryRun(ctx context.Context, w http.ResponseWriter, wanted users.Request) error {
	run, err := a.users.DryRun(ctx, wanted)
	if err != nil {
		return err
	}
	answer := dryRun{DryRun: true, User: newUser(run.User, run.Activity)}
	for _, e := range run.Events {
		answer.Events = append(answer.Events, draft{e.Type, e.SchemaVersion, e.Version, jsontext.Value(e.Data)})
	}
	return writeJSON(w, http.StatusOK, answer)
}
