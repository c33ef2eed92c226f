package users_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/domain"
)

// A second opinion: users folded from the rows of the log by code that shares nothing with the service.

type storedEvent struct {
	position int64
	stream   uuid.UUID
	version  int
	at       time.Time
	typ      string
	data     map[string]string
}

func (r *replica) stored(t *testing.T) []storedEvent {
	t.Helper()
	rows, _ := r.pool.Query(t.Context(), `
SELECT position, stream_id, version, recorded_at, type, data::text FROM eventlog.events ORDER BY position`)
	events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (storedEvent, error) {
		var e storedEvent
		var data string
		if err := row.Scan(&e.position, &e.stream, &e.version, &e.at, &e.typ, &data); err != nil {
			return e, err
		}
		e.at = e.at.UTC()
		return e, json.Unmarshal([]byte(data), &e.data)
	})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// model folds a user's events, oldest first.
func model(id uuid.UUID, events []storedEvent) domain.User {
	u := domain.User{ID: id}
	for _, e := range events {
		u.Version, u.UpdatedAt = e.version, e.at
		switch e.typ {
		case "UserCreated":
			u.Email, u.DisplayName, u.FirstName, u.LastName = e.data["email"], e.data["displayName"], e.data["firstName"], e.data["lastName"]
			u.Status, u.CreatedAt = "active", e.at
		case "UserEmailChanged":
			u.Email = e.data["newEmail"]
		case "UserProfileChanged":
			for member, target := range map[string]*string{"displayName": &u.DisplayName, "firstName": &u.FirstName, "lastName": &u.LastName} {
				if value, ok := e.data[member]; ok {
					*target = value
				}
			}
		case "UserSuspended":
			u.Status, u.SuspendedAt, u.SuspensionReason = "suspended", e.at, e.data["reason"]
		case "UserReactivated":
			u.Status, u.SuspendedAt, u.SuspensionReason = "active", time.Time{}, ""
		case "RoleGranted":
			u.Roles = append(slices.Clone(u.Roles), e.data["role"])
			slices.Sort(u.Roles)
		case "RoleRevoked":
			u.Roles = slices.DeleteFunc(slices.Clone(u.Roles), func(role string) bool { return role == e.data["role"] })
		case "UserDeleted":
			u.Status, u.SuspendedAt, u.SuspensionReason = "deleted", time.Time{}, ""
		default:
			panic("the model knows no " + e.typ)
		}
	}
	return u
}

func byStream(events []storedEvent) map[uuid.UUID][]storedEvent {
	streams := map[uuid.UUID][]storedEvent{}
	for _, e := range events {
		streams[e.stream] = append(streams[e.stream], e)
	}
	return streams
}
