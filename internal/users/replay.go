package users

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/projections"
)

// replay gives the first answer to a key again: the user at the version that the first request left.
func (u *Users) replay(ctx context.Context, r Request, record *eventstore.Record) (Result, error) {
	if !bytes.Equal(record.Fingerprint, r.Key.Fingerprint[:]) {
		return Result{}, ErrKeyReused
	}
	var first outcome
	if err := json.Unmarshal(record.Outcome, &first); err != nil {
		return Result{}, fmt.Errorf("decode the outcome kept with a key: %w", err)
	}
	view, _, err := u.fold(ctx, eventstore.Load{StreamID: record.StreamID, Bound: eventstore.Bound{Version: record.Version}})
	if err != nil {
		return Result{}, err
	}
	view.Position = record.Position
	view.Activity = projections.Activity{PostCount: first.Posts, FollowerCount: first.Followers, Position: first.Activity}
	return Result{View: view, Replayed: true, Status: first.Status}, nil
}

// outcome is what the log keeps with a key besides the version: enough to give the first answer again.
type outcome struct {
	Status    int   `json:"status"`
	Posts     int   `json:"posts,omitempty"`
	Followers int   `json:"followers,omitempty"`
	Activity  int64 `json:"activity,omitempty"`
}

func newOutcome(status int, a projections.Activity) ([]byte, error) {
	return json.Marshal(outcome{status, a.PostCount, a.FollowerCount, a.Position})
}
