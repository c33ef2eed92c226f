package httpapi

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/auth"
	"github.com/usersvc/usersvc/internal/users"
)

const (
	anonymous    = "anonymous"
	maxActor     = 255
	maxRequestID = 128
)

// causeOf reads who asks and by what. It goes into the metadata of the events that the request leads
// to; what is malformed is refused on reads as well, so that nobody finds out late.
func causeOf(r *http.Request, caller auth.Caller) (users.Cause, error) {
	cause := users.Cause{Actor: caller.Subject, Client: caller.ClientID, Source: "api", Traceparent: traceOf(r)}
	var err error
	if caller.Subject == "" {
		if cause.Actor, err = claimedActor(r.Header); err != nil {
			return cause, err
		}
	}
	if cause.CausationID, err = uuidHeader(r.Header, "X-Causation-Id"); err != nil {
		return cause, err
	}
	correlation, err := uuidHeader(r.Header, "X-Correlation-Id")
	if err != nil {
		return cause, err
	}
	if correlation != nil {
		cause.CorrelationID = *correlation
		return cause, nil
	}
	cause.CorrelationID, err = correlationOf(exchangeOf(r).requestID)
	return cause, err
}

// claimedActor believes whatever the caller says of itself, which is for as long as authentication is off.
func claimedActor(h http.Header) (string, error) {
	actor, given, err := single(h, "X-Actor")
	if err != nil || !given {
		return anonymous, err
	}
	if !isVisible(actor, maxActor) {
		return "", invalidParameter("X-Actor", "must be 1 to 255 visible ASCII characters.")
	}
	return actor, nil
}

// correlationOf makes the id of the request serve, if it can.
func correlationOf(requestID string) (uuid.UUID, error) {
	if id, err := parseID("X-Request-Id", requestID); err == nil {
		return id, nil
	}
	return uuid.NewV7()
}

// requestIDOf echoes a usable id and makes one otherwise.
func requestIDOf(h http.Header) string {
	id, given, err := single(h, "X-Request-Id")
	if err == nil && given && isVisible(id, maxRequestID) {
		return id
	}
	return uuid.Must(uuid.NewV7()).String() // fails only when the system has no randomness
}

// single reads a header that makes sense once.
func single(h http.Header, name string) (value string, given bool, err error) {
	values := h[name]
	if len(values) == 0 {
		return "", false, nil
	}
	if len(values) > 1 {
		return "", true, invalidParameter(name, "must be given once.")
	}
	return values[0], true, nil
}

func uuidHeader(h http.Header, name string) (*uuid.UUID, error) {
	value, given, err := single(h, name)
	if err != nil || !given {
		return nil, err
	}
	id, err := parseID(name, value)
	return &id, err
}

func isVisible(s string, longest int) bool {
	if s == "" || len(s) > longest {
		return false
	}
	return !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' })
}

// The first four fields, as in Trace Context level 1. A later version may append more, which is not kept.
var traceparentFields = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}`)

// traceparent returns the caller's trace context, or "" when there is none that W3C calls valid.
func traceparent(h http.Header) string {
	value, given, err := single(h, "Traceparent")
	if err != nil || !given {
		return ""
	}
	fields := traceparentFields.FindString(value)
	more := strings.TrimPrefix(value, fields)
	switch {
	case fields == "", strings.HasPrefix(fields, "ff"),
		fields[3:35] == strings.Repeat("0", 32), fields[36:52] == strings.Repeat("0", 16),
		more != "" && (strings.HasPrefix(fields, "00") || more[0] != '-'):
		return ""
	}
	return fields
}
