package httpapi

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/users"
)

// user is a user as clients see it.
type user struct {
	ID               uuid.UUID     `json:"id"`
	Email            string        `json:"email"`
	DisplayName      string        `json:"displayName"`
	FirstName        string        `json:"firstName"`
	LastName         string        `json:"lastName"`
	Status           domain.Status `json:"status"`
	SuspendedAt      *stamp        `json:"suspendedAt"`
	SuspensionReason *string       `json:"suspensionReason"`
	Roles            []string      `json:"roles"`
	PostCount        int           `json:"postCount"`
	FollowerCount    int           `json:"followerCount"`
	Version          int           `json:"version"`
	CreatedAt        stamp         `json:"createdAt"`
	UpdatedAt        stamp         `json:"updatedAt"`
	AsOf             *stamp        `json:"asOf,omitzero"`
}

func newUser(u domain.User, a projections.Activity) user {
	shown := user{
		ID: u.ID, Email: u.Email, DisplayName: u.DisplayName, FirstName: u.FirstName, LastName: u.LastName,
		Status: u.Status, Roles: u.Roles, PostCount: a.PostCount, FollowerCount: a.FollowerCount,
		Version: u.Version, CreatedAt: stamp(u.CreatedAt), UpdatedAt: stamp(u.UpdatedAt),
	}
	if u.Status == domain.Suspended {
		shown.SuspendedAt, shown.SuspensionReason = (*stamp)(&u.SuspendedAt), &u.SuspensionReason
	}
	return shown
}

// stamp is a time as all answers write it: in UTC, with the precision that the log has.
type stamp time.Time

const stampLayout = "2006-01-02T15:04:05.000000Z"

// MarshalText is what the encoder asks.
func (t stamp) MarshalText() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(make([]byte, 0, len(stampLayout)), stampLayout), nil
}

// page is a part of a list. NextCursor is null on the last one.
type page[T any] struct {
	Data       []T     `json:"data"`
	NextCursor *string `json:"nextCursor"`
	Total      *int64  `json:"total,omitzero"`
	// Of a list of the past: the moment, as an instant and as a position.
	AsOf     *stamp `json:"asOf,omitzero"`
	Position *int64 `json:"position,omitzero"`
}

// follow says where the next page is. Cursors and numbers need no escaping.
func (p *page[T]) follow(w http.ResponseWriter, address, cursor string) {
	p.NextCursor = &cursor
	w.Header().Set("Link", "<"+address+cursor+`>; rel="next"`)
}

// writeResult answers a command with the user as it is after it, or was when the key was first used.
func writeResult(w http.ResponseWriter, result users.Result, status int) error {
	h := w.Header()
	if result.Replayed {
		status = result.Status
		h.Set("Idempotency-Replayed", "true")
	}
	if status == http.StatusCreated {
		h.Set("Location", "/v1/users/"+result.User.ID.String())
	}
	h.Set("ETag", etag(result.View))
	h.Set("X-Event-Position", strconv.FormatInt(result.Position, 10))
	return writeJSON(w, status, newUser(result.User, result.Activity))
}

func writeJSON(w http.ResponseWriter, status int, answer any) error {
	body, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body))) // else a long list goes out in chunks
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails only when nobody reads it
	return nil
}
