package httpapi

import (
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/safeguard"
	"github.com/usersvc/usersvc/internal/users"
)

// A command that has not been carried out by then is answered with 503: the answer is there within two seconds.
var commandTimeout = safeguard.With(safeguard.Deadlines, 1800*time.Millisecond, time.Minute)

// command turns a function that decodes a command into a handler that carries it out behind a gate, or with
// dry_run says what it would do.
func (a *api) command(g gate, decode func(*request) (domain.Command, error), parameters ...string) http.HandlerFunc {
	parameters = append(parameters, "dry_run")
	return a.serve(func(w http.ResponseWriter, r *http.Request) error {
		in, err := a.receive(w, r, parameters)
		if err != nil {
			return err
		}
		wanted, dry, err := in.wanted(decode)
		if err != nil {
			return err
		}
		if err := g.enter(r); err != nil {
			return err
		}
		ctx, cancel := within(r, commandTimeout)
		defer cancel()
		if dry {
			return a.dryRun(ctx, w, wanted)
		}
		result, err := a.users.Execute(ctx, wanted)
		if err != nil {
			return err
		}
		return writeResult(w, result, in.success())
	})
}

// wanted is the request as it goes to the use case, and whether it is to be a dry run.
func (r *request) wanted(decode func(*request) (domain.Command, error)) (wanted users.Request, dry bool, err error) {
	run := "false"
	if err := r.query.choice("dry_run", &run, "true", "false"); err != nil {
		return wanted, false, err
	}
	if wanted.IfMatch, err = ifMatch(r.Header); err != nil {
		return wanted, false, err
	}
	key, err := idempotencyKey(r.Header)
	if err != nil {
		return wanted, false, err
	}
	if wanted.Command, err = decode(r); err != nil {
		return wanted, false, err
	}
	wanted.UserID, wanted.Key, wanted.Cause = r.id, r.keyed(key, r.success()), r.cause
	return wanted, run == "true", nil
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

func restore(r *request) (domain.Command, error) {
	var body struct {
		Version *int      `json:"version" validate:"required"`
		Fields  *[]string `json:"fields" validate:"required"`
		Reason  *string   `json:"reason" validate:"required"`
	}
	wrong, err := r.decode(&body)
	if err != nil {
		return nil, err
	}
	r.cause.Reason = string(value(wrong, body.Reason, domain.ParseReason)) // the events have no room for it
	return domain.Restore{Version: value(wrong, body.Version, domain.ParseVersion), Fields: fieldsOf(wrong, body.Fields)}, wrong.err()
}

// fieldsOf names what is wrong one by one, but looks no further than where something has to be.
func fieldsOf(wrong *faults, names *[]string) (f domain.Fields) {
	if names == nil {
		return f
	}
	if len(*names) == 0 {
		wrong.add("fields", "required", "fields must name at least one.")
	}
	const all = 5
	for i, name := range (*names)[:min(len(*names), all+1)] {
		wrong.broken(f.Add(name), "/"+strconv.Itoa(i))
	}
	return f
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
