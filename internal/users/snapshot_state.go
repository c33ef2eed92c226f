package users

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"reflect"
	"time"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
)

// snapshotState is what a snapshot holds of a user. Its shape is part of the key of each snapshot, so
// after a change of it the old ones are not found any more and new ones are made on the way.
type snapshotState struct {
	Email            string        `json:"email"`
	DisplayName      string        `json:"displayName"`
	FirstName        string        `json:"firstName"`
	LastName         string        `json:"lastName"`
	Status           domain.Status `json:"status"`
	SuspendedAt      time.Time     `json:"suspendedAt,omitzero"`
	SuspensionReason string        `json:"suspensionReason,omitempty"`
	Roles            []string      `json:"roles,omitempty"`
	CreatedAt        time.Time     `json:"createdAt"`
	UpdatedAt        time.Time     `json:"updatedAt"`
}

// foldVersion is to be raised when an event comes to mean something else without the shape changing.
const foldVersion = 1

const noSnapshots = 0 // a schema under which none are kept

var snapshotSchema = func() int32 {
	h := fnv.New32a()
	fmt.Fprint(h, foldVersion)
	for _, f := range reflect.VisibleFields(reflect.TypeFor[snapshotState]()) {
		fmt.Fprint(h, f.Tag.Get("json"), f.Type)
	}
	return max(int32(h.Sum32()&0x7fffffff), noSnapshots+1)
}()

func encodeSnapshot(v View) (eventstore.Snapshot, error) {
	u := v.User
	state, err := json.Marshal(snapshotState{
		u.Email, u.DisplayName, u.FirstName, u.LastName, u.Status, u.SuspendedAt, u.SuspensionReason, u.Roles, u.CreatedAt, u.UpdatedAt,
	})
	return eventstore.Snapshot{
		StreamID: u.ID, Schema: snapshotSchema, Version: u.Version, Position: v.Position, RecordedAt: u.UpdatedAt, State: state,
	}, err
}

func decodeSnapshot(s eventstore.Snapshot) (View, error) {
	var st snapshotState
	if err := json.Unmarshal(s.State, &st); err != nil {
		return View{}, fmt.Errorf("decode snapshot of %s at version %d: %w", s.StreamID, s.Version, err)
	}
	return View{Position: s.Position, User: domain.User{
		ID: s.StreamID, Version: s.Version,
		Email: st.Email, DisplayName: st.DisplayName, FirstName: st.FirstName, LastName: st.LastName,
		Status: st.Status, SuspendedAt: st.SuspendedAt, SuspensionReason: st.SuspensionReason, Roles: st.Roles,
		CreatedAt: st.CreatedAt, UpdatedAt: st.UpdatedAt,
	}}, nil
}
