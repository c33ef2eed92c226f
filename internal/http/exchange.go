package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"
)

// exchange is a request and its answer, as far as the log is interested.
type exchange struct {
	http.ResponseWriter
	requestID string
	began     time.Time
	arrived   time.Time // whole, as far as it has been read
	status    int       // 0 until the answer has begun
	bytes     int
	cause     error // of a refusal
	inside    gate  // that it has passed, or nil

	correlation uuid.UUID // of what it causes; uuid.Nil if it came to no such thing
}

type exchangeKey struct{}

func exchangeOf(r *http.Request) *exchange {
	x, _ := r.Context().Value(exchangeKey{}).(*exchange)
	return x
}

// within bounds the work on a request to so long after it had arrived: waiting in front of a gate counts, and sending slowly
// does not.
func within(r *http.Request, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithDeadline(r.Context(), exchangeOf(r).arrived.Add(limit))
}

func (x *exchange) WriteHeader(status int) {
	x.begin(status)
	x.ResponseWriter.WriteHeader(status)
}

// begin is when the work is done. Whoever is slow to read its result keeps nobody else waiting.
func (x *exchange) begin(status int) {
	if x.status == 0 {
		x.status = status
	}
	x.leave()
}

// leave lets the next one through the gate.
func (x *exchange) leave() {
	if x.inside != nil {
		<-x.inside
		x.inside = nil
	}
}

func (x *exchange) Write(b []byte) (int, error) {
	x.begin(http.StatusOK)
	n, err := x.ResponseWriter.Write(b)
	x.bytes += n
	return n, err
}

// Flush is asked for by the layer that compresses, when it has nothing to compress.
func (x *exchange) Flush() { _ = http.NewResponseController(x.ResponseWriter).Flush() }

// Unwrap lets http.ResponseController reach the connection.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// observe surrounds everything: it names the request, sets the headers that every answer has, and logs.
func (a *api) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{ResponseWriter: w, requestID: requestIDOf(r.Header), began: time.Now()}
		x.arrived = x.began
		h := w.Header()
		h.Set("X-Request-Id", x.requestID)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		ctx, ended := a.traced(r)
		r = r.WithContext(context.WithValue(ctx, exchangeKey{}, x))
		defer func() { x.leave(); a.report(x, r); ended(r.Pattern, x.status) }()
		next.ServeHTTP(x, r)
	})
}

// report writes the line of a request. The cause of a refusal is written only where the service is at
// fault: elsewhere the client knows it, and it may be about a person.
func (a *api) report(x *exchange, r *http.Request) {
	took := time.Since(x.began)
	a.answered(r.Method, r.Pattern, x.status, took)
	level := zerolog.InfoLevel
	switch {
	case x.status == 0: // the client went away
		level = zerolog.DebugLevel
	case x.status == http.StatusInternalServerError:
		level = zerolog.ErrorLevel
	case x.status > http.StatusInternalServerError:
		level = zerolog.WarnLevel
	}
	line := a.requests.WithLevel(level)
	if x.status == http.StatusServiceUnavailable {
		line = a.refused.WithLevel(level)
	}
	if x.correlation != uuid.Nil && x.correlation.String() != x.requestID {
		line = line.Stringer("correlation", x.correlation)
	}
	if id := traceID(r); id != "" {
		line = line.Str("trace", id)
	}
	if level > zerolog.InfoLevel {
		line = line.Err(x.cause)
	}
	line.Str("method", r.Method).Str("route", r.Pattern).Int("status", x.status).Int("bytes", x.bytes).
		Dur("duration", took).Str("request", x.requestID).Msg("request")
}

// serve turns what may fail into a handler. It is the one place where errors become answers.
func (a *api) serve(answer func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := guarded(answer, w, r)
		if err == nil {
			return
		}
		x := exchangeOf(r)
		x.cause = err
		if r.Context().Err() != nil || x.status != 0 {
			return // nobody is there to be told, or it is too late to
		}
		writeProblem(w, x.requestID, refusalOf(err))
	}
}

// guarded makes a panic an error: one request must not end the others.
func guarded(answer func(http.ResponseWriter, *http.Request) error, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			panic(v)
		default:
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return answer(w, r)
}
