package httpapi

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/users"
)

// request is a request to /v1 whose path, query and headers are in order.
type request struct {
	*http.Request
	w       http.ResponseWriter
	id      uuid.UUID // whom it is about
	query   query
	cause   users.Cause
	body    []byte // once it has been read
	creates bool   // answers 201 when it succeeds
}

// receive checks what every request to /v1 has in common: the id in the path, the names of its
// parameters, who asks and whether that is allowed.
func (a *api) receive(w http.ResponseWriter, r *http.Request, parameters []string) (*request, error) {
	in := &request{Request: r, w: w}
	caller, err := a.authorize(w, r)
	if err != nil {
		return nil, err
	}
	if strings.Contains(r.Pattern, "{id}") {
		if in.id, err = in.pathID(); err != nil {
			return nil, err
		}
	}
	if in.query, err = parseQuery(r.URL.RawQuery, parameters); err != nil {
		return nil, err
	}
	if in.cause, err = causeOf(r, caller); err == nil {
		exchangeOf(r).correlation = in.cause.CorrelationID
	}
	return in, err
}

// read turns a function that answers into a handler.
func (a *api) read(answer func(*request) error, parameters ...string) http.HandlerFunc {
	return a.serve(func(w http.ResponseWriter, r *http.Request) error {
		in, err := a.receive(w, r, parameters)
		if err != nil {
			return err
		}
		return answer(in)
	})
}

// plain is read for what lies beside /v1: nobody in particular asks, and there is nothing to choose.
func (a *api) plain(answer func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return a.serve(func(w http.ResponseWriter, r *http.Request) error {
		if _, err := parseQuery(r.URL.RawQuery, nil); err != nil {
			return err
		}
		return answer(w, r)
	})
}

func (r *request) pathID() (uuid.UUID, error) {
	s, err := r.segment("id")
	if err != nil {
		return uuid.Nil, err
	}
	return parseID("id", s)
}

// parseID accepts the 36 characters of a UUID, in either case, and none of its other spellings.
func parseID(name, s string) (uuid.UUID, error) {
	id, err := uuid.Parse(s)
	if err != nil || len(s) != 36 {
		return uuid.Nil, invalidParameter(name, "must be a UUID, such as 01939b8e-7c4f-7a51-9d2e-3f6a8b0c1d2e.")
	}
	return id, nil
}

// segment returns a variable part of the path, decoded. The router leaves it encoded in a path that
// has a spelling of its own.
func (r *request) segment(name string) (string, error) {
	s := chi.URLParam(r.Request, name)
	if r.URL.RawPath != "" {
		decoded, err := url.PathUnescape(s)
		if err != nil {
			return "", invalidParameter(name, "is not encoded as a path should be.")
		}
		s = decoded
	}
	if !isText(s) {
		return "", invalidParameter(name, "must be UTF-8 without U+0000.")
	}
	return s, nil
}
