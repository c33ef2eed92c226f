package torture

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// user is a user as the documentation describes it: the model that all answers and rows are held against.
type user struct {
	ID               string
	Version          int
	Position         int64 // of the newest event
	Email            string
	DisplayName      string
	FirstName        string
	LastName         string
	Status           string
	SuspensionReason string
	SuspendedAt      time.Time // zero unless suspended
	Roles            []string
	CreatedAt        time.Time
	UpdatedAt        time.Time
	Counted
}

// event is a line of the log.
type event struct {
	Position    int64
	StreamType  string
	Stream      string
	Version     int
	Type        string
	Data        []byte
	Correlation string // which request caused it
	At          time.Time
}

// apply is the documentation of the events in code, and nothing else.
func (u *user) apply(e event) error {
	var data struct {
		Email, NewEmail, DisplayName, FirstName, LastName *string
		Reason, Role                                      string
	}
	if err := json.Unmarshal(e.Data, &data); err != nil {
		return fmt.Errorf("event at position %d: %w", e.Position, err)
	}
	switch e.Type {
	case "UserCreated":
		*u = user{ID: e.Stream, Status: "active", CreatedAt: e.At}
		set(&u.Email, data.Email)
		u.rename(data.DisplayName, data.FirstName, data.LastName)
	case "UserEmailChanged":
		set(&u.Email, data.NewEmail)
	case "UserProfileChanged":
		u.rename(data.DisplayName, data.FirstName, data.LastName)
	case "UserSuspended":
		u.Status, u.SuspensionReason, u.SuspendedAt = "suspended", data.Reason, e.At
	case "UserReactivated":
		u.Status, u.SuspensionReason, u.SuspendedAt = "active", "", time.Time{}
	case "RoleGranted":
		u.Roles = append(u.Roles, data.Role)
		slices.Sort(u.Roles)
	case "RoleRevoked":
		u.Roles = slices.DeleteFunc(u.Roles, func(r string) bool { return r == data.Role })
	case "UserDeleted":
		u.Status, u.SuspensionReason, u.SuspendedAt = "deleted", "", time.Time{}
	default:
		return fmt.Errorf("event at position %d is a %s, which nobody sent", e.Position, e.Type)
	}
	u.Version, u.Position, u.UpdatedAt = e.Version, e.Position, e.At
	return nil
}

func (u *user) rename(display, first, last *string) {
	set(&u.DisplayName, display)
	set(&u.FirstName, first)
	set(&u.LastName, last)
}

func set(member, value *string) {
	if value != nil {
		*member = *value
	}
}
