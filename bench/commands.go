package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/usersvc/usersvc/internal/domain"
)

// command is a request that was decoded and checked. A change has no names.
type command struct {
	user                 uuid.UUID
	email                domain.Email
	display, first, last string
}

// stored is where it landed, and the answer.
type stored struct {
	version  int
	position int64
	shown    any
}

// newCommandHandler is the part that the contenders share with each other and, in libraries and
// checks, with the service: routing, strict decoding, the domain's rules for values, a JSON answer.
// How a command is stored is what they differ in.
func newCommandHandler(create, change func(context.Context, command) (stored, error)) http.Handler {
	mux := chi.NewRouter()
	mux.Post("/v1/users", func(w http.ResponseWriter, r *http.Request) {
		c, err := decodeCreate(w, r)
		answer(w, r, c, err, create, http.StatusCreated)
	})
	mux.Put("/v1/users/{id}/email", func(w http.ResponseWriter, r *http.Request) {
		c, err := decodeChange(w, r)
		answer(w, r, c, err, change, http.StatusOK)
	})
	return mux
}

func decodeCreate(w http.ResponseWriter, r *http.Request) (command, error) {
	var body struct {
		Email       string `json:"email"`
		DisplayName string `json:"displayName"`
		FirstName   string `json:"firstName"`
		LastName    string `json:"lastName"`
	}
	if err := decode(w, r, &body); err != nil {
		return command{}, err
	}
	email, err := domain.ParseEmail(body.Email)
	display, errDisplay := domain.ParseDisplayName(body.DisplayName)
	first, errFirst := domain.ParseFirstName(body.FirstName)
	last, errLast := domain.ParseLastName(body.LastName)
	id, errID := uuid.NewV7()
	return command{id, email, string(display), string(first), string(last)}, errors.Join(err, errDisplay, errFirst, errLast, errID)
}

func decodeChange(w http.ResponseWriter, r *http.Request) (command, error) {
	id, err := uuid.Parse(chi.URLParam(r, "id"))
	if err != nil {
		return command{}, err
	}
	var body struct {
		Email string `json:"email"`
	}
	if err := decode(w, r, &body); err != nil {
		return command{}, err
	}
	email, err := domain.ParseEmail(body.Email)
	return command{user: id, email: email}, err
}

func decode(w http.ResponseWriter, r *http.Request, into any) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into, json.RejectUnknownMembers(true))
}

func answer(w http.ResponseWriter, r *http.Request, c command, err error, store func(context.Context, command) (stored, error), status int) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	at, err := store(r.Context(), c)
	var refused *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		http.Error(w, "no such user", http.StatusNotFound)
	case errors.As(err, &refused) && refused.Code == "23505":
		http.Error(w, "conflict", http.StatusConflict)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		w.Header().Set("Location", "/v1/users/"+c.user.String())
		w.Header().Set("ETag", `"`+strconv.Itoa(at.version)+`"`)
		w.Header().Set("X-Event-Position", strconv.FormatInt(at.position, 10))
		writeJSON(w, status, at.shown)
	}
}

func writeJSON(w http.ResponseWriter, status int, answer any) {
	body, err := json.Marshal(answer)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails only when nobody reads it
}
