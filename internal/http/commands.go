package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/safeguard"
	"github.com/usersvc/usersvc/internal/users"
)

// A command that has not been carried out by then is answered with 503: the answer is there within two seconds.
var commandTimeout = safeguard.With(safeguard.Deadlines, 1800*time.Millisecond, time.Minute)

// command turns a function that decodes a command into a handler that carries it out.
func (a *api) command(decode func(*request) (domain.Command, error), parameters ...string) http.HandlerFunc {
	return a.serve(func(w http.ResponseWriter, r *http.Request) error {
		in, err := receive(w, r, parameters)
		if err != nil {
			return err
		}
		wanted, err := ifMatch(r.Header)
		if err != nil {
			return err
		}
		key, err := idempotencyKey(r.Header)
		if err != nil {
			return err
		}
		command, err := decode(in)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(r.Context(), commandTimeout)
		defer cancel()
		result, err := a.users.Execute(ctx, users.Request{
			UserID: in.id, Command: command, IfMatch: wanted, Key: in.keyed(key, in.success()), Cause: in.cause,
		})
		if err != nil {
			return err
		}
		return writeResult(w, result, in.success())
	})
}

func (r *request) success() int {
	if r.creates {
		return http.StatusCreated
	}
	return http.StatusOK
}

func createUser(r *request) (domain.Command, error) {
	if len(r.Header["If-Match"]) > 0 {
		return nil, invalidParameter("If-Match", "has no meaning for a user that is to be created.")
	}
	var body struct {
		ID          *string `json:"id"`
		Email       *string `json:"email" validate:"required"`
		DisplayName *string `json:"displayName" validate:"required_without_all=FirstName LastName"`
		FirstName   *string `json:"firstName" validate:"required_without=DisplayName"`
		LastName    *string `json:"lastName" validate:"required_without=DisplayName"`
	}
	wrong, err := r.decode(&body)
	if err != nil {
		return nil, err
	}
	r.creates = true
	if r.id, err = uuid.NewV7(); err != nil {
		return nil, err
	}
	if body.ID != nil {
		r.id = value(wrong, body.ID, parseNewID)
	}
	return domain.CreateUser{
		Email:       value(wrong, body.Email, domain.ParseEmail),
		DisplayName: value(wrong, body.DisplayName, domain.ParseDisplayName),
		FirstName:   value(wrong, body.FirstName, domain.ParseFirstName),
		LastName:    value(wrong, body.LastName, domain.ParseLastName),
	}, wrong.err()
}

// parseNewID makes an id that the caller chose a value like the others.
func parseNewID(s string) (uuid.UUID, error) {
	id, err := parseID("id", s)
	if err != nil {
		return id, &domain.Error{Kind: domain.Invalid, Code: "invalid_id", Message: "An id must be a UUID.", Field: "id"}
	}
	return id, nil
}

func changeEmail(r *request) (domain.Command, error) {
	var body struct {
		Email *string `json:"email" validate:"required"`
	}
	wrong, err := r.decode(&body)
	if err != nil {
		return nil, err
	}
	return domain.ChangeEmail{Email: value(wrong, body.Email, domain.ParseEmail)}, wrong.err()
}

func changeProfile(r *request) (domain.Command, error) {
	var body struct {
		DisplayName *string `json:"displayName"`
		FirstName   *string `json:"firstName"`
		LastName    *string `json:"lastName"`
	}
	wrong, err := r.decodePatch(&body)
	if err != nil {
		return nil, err
	}
	return domain.ChangeProfile{
		DisplayName: optional(wrong, body.DisplayName, domain.ParseDisplayName),
		FirstName:   optional(wrong, body.FirstName, domain.ParseFirstName),
		LastName:    optional(wrong, body.LastName, domain.ParseLastName),
	}, wrong.err()
}

func suspend(r *request) (domain.Command, error) {
	var body struct {
		Reason *string `json:"reason" validate:"required"`
	}
	wrong, err := r.decode(&body)
	if err != nil {
		return nil, err
	}
	return domain.Suspend{Reason: value(wrong, body.Reason, domain.ParseReason)}, wrong.err()
}

func reactivate(r *request) (domain.Command, error) {
	return domain.Reactivate{}, r.emptyBody()
}

func grantRole(r *request) (domain.Command, error) {
	role, err := r.role()
	return domain.GrantRole{Role: role}, err
}

func revokeRole(r *request) (domain.Command, error) {
	role, err := r.role()
	return domain.RevokeRole{Role: role}, err
}

// role is the only thing that is said with the path alone.
func (r *request) role() (domain.Role, error) {
	s, err := r.segment("role")
	if err != nil {
		return "", err
	}
	if err := r.noBody(); err != nil {
		return "", err
	}
	return domain.ParseRole(s)
}

func deleteUser(r *request) (domain.Command, error) {
	if err := r.noBody(); err != nil {
		return nil, err
	}
	wrong := new(faults)
	var reason *string
	if s, given := r.query["reason"]; given {
		reason = &s
	}
	return domain.DeleteUser{Reason: value(wrong, reason, domain.ParseReason)}, wrong.err()
}
