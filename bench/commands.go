package main

import (
	"context"
	stdjson "encoding/json"
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
	"github.com/usersvc/usersvc/internal/eventstore"
)

// event is what a command adds to the log: the same bytes as the service stores.
type event struct {
	user     uuid.UUID
	address  string // canonical, to be claimed
	id       uuid.UUID
	typ      string
	schema   int
	data     []byte
	metadata []byte
}

// stored is where it landed.
type stored struct {
	version  int
	position int64
}

// newCommandHandler is the part that the contenders share with each other and, in libraries and
// checks, with the service: routing, strict decoding, the domain's rules for values, a JSON answer.
// How an event gets into the log is what they differ in.
func newCommandHandler(create, change func(context.Context, event) (stored, error)) http.Handler {
	mux := chi.NewRouter()
	mux.Post("/v1/users", func(w http.ResponseWriter, r *http.Request) {
		e, err := decodeCreate(w, r)
		answer(w, r, e, err, create, http.StatusCreated)
	})
	mux.Put("/v1/users/{id}/email", func(w http.ResponseWriter, r *http.Request) {
		e, err := decodeChange(w, r)
		answer(w, r, e, err, change, http.StatusOK)
	})
	return mux
}

func decodeCreate(w http.ResponseWriter, r *http.Request) (event, error) {
	var body struct {
		Email       string `json:"email"`
		DisplayName string `json:"displayName"`
		FirstName   string `json:"firstName"`
		LastName    string `json:"lastName"`
	}
	if err := decode(w, r, &body); err != nil {
		return event{}, err
	}
	email, err := domain.ParseEmail(body.Email)
	display, errDisplay := domain.ParseDisplayName(body.DisplayName)
	first, errFirst := domain.ParseFirstName(body.FirstName)
	last, errLast := domain.ParseLastName(body.LastName)
	id, errID := uuid.NewV7()
	if err := errors.Join(err, errDisplay, errFirst, errLast, errID); err != nil {
		return event{}, err
	}
	return newEvent(id, email, domain.UserCreated{
		Email: email.String(), DisplayName: string(display), FirstName: string(first), LastName: string(last),
	})
}

func decodeChange(w http.ResponseWriter, r *http.Request) (event, error) {
	id, err := uuid.Parse(chi.URLParam(r, "id"))
	if err != nil {
		return event{}, err
	}
	var body struct {
		Email string `json:"email"`
	}
	if err := decode(w, r, &body); err != nil {
		return event{}, err
	}
	email, err := domain.ParseEmail(body.Email)
	if err != nil {
		return event{}, err
	}
	return newEvent(id, email, domain.UserEmailChanged{NewEmail: email.String()})
}

func decode(w http.ResponseWriter, r *http.Request, into any) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into, json.RejectUnknownMembers(true))
}

func newEvent(user uuid.UUID, email domain.Email, e domain.Event) (event, error) {
	typ, schema, data, err := domain.Encode(e)
	id, errID := uuid.NewV7()
	correlation, errCorrelation := uuid.NewRandom()
	metadata, errMetadata := stdjson.Marshal(eventstore.Metadata{Actor: "anonymous", Source: "api", CorrelationID: correlation})
	return event{user, email.Canonical(), id, typ, schema, data, metadata}, errors.Join(err, errID, errCorrelation, errMetadata)
}

func answer(w http.ResponseWriter, r *http.Request, e event, err error, store func(context.Context, event) (stored, error), status int) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	at, err := store(r.Context(), e)
	var refused *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		http.Error(w, "no such user", http.StatusNotFound)
	case errors.As(err, &refused) && refused.Code == "23505":
		http.Error(w, "conflict", http.StatusConflict)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		w.Header().Set("Location", "/v1/users/"+e.user.String())
		w.Header().Set("ETag", `"`+strconv.Itoa(at.version)+`"`)
		w.Header().Set("X-Event-Position", strconv.FormatInt(at.position, 10))
		writeJSON(w, status, map[string]any{"id": e.user, "email": e.address, "version": at.version})
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
