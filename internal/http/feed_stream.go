package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usersvc/usersvc/internal/feed"
)

const (
	eventStream = "text/event-stream"

	// Proxies close what is silent for a minute, or for thirty seconds.
	heartbeat = 15 * time.Second
	// A client that does not take what is written within this is dropped. It comes back for the rest.
	writeTimeout = 10 * time.Second
	// Written at a time, in bytes: enough for the system's calls not to count.
	piece = 32 << 10
	// After how many milliseconds a client that was cut off comes back.
	comeBack = "retry: 2000\n\n"
)

// writeFeedStream writes events as they come (Server-Sent Events, as in HTML), until the client goes away,
// is too slow, the service stops, or the log goes back to before what was written.
func (a *api) writeFeedStream(r *request, q feedQuery) error {
	after, err := a.resumeAt(r, q)
	if err != nil {
		return err
	}
	opening, cancel := within(r.Request, readTimeout)
	defer cancel()
	reader, err := a.feed.Follow(opening, after, q.filter)
	if err != nil {
		return err
	}
	defer reader.Close()
	h := r.w.Header()
	h.Set("Content-Type", eventStream)
	h.Set("X-Accel-Buffering", "no") // nginx would keep it until there is a page of it
	r.w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	return stream(r, reader)
}

// resumeAt is where a client that was cut off goes on, or else what it asks for.
func (a *api) resumeAt(r *request, q feedQuery) (int64, error) {
	last, given, err := single(r.Header, "Last-Event-Id")
	if err != nil {
		return 0, err
	}
	if !given {
		return a.beginning(r.Context(), q)
	}
	var after int64
	err = number(query{"Last-Event-ID": last}, "Last-Event-ID", &after, 0, maxPosition)
	return after, err
}

func stream(r *request, reader *feed.Reader) error {
	if send(r.w, []byte(comeBack)) != nil {
		return nil // the client has gone
	}
	for {
		waiting, cancel := context.WithTimeout(r.Context(), heartbeat)
		events, err := reader.Next(waiting)
		cancel()
		if err != nil || r.Context().Err() != nil {
			return nil //nolint:nilerr // the service stops, or the log went back: this is how a stream ends
		}
		if len(events) == 0 {
			err = send(r.w, comment(reader.Position()))
		} else {
			err = sendEvents(r.w, events)
		}
		if err != nil {
			return nil //nolint:nilerr // the client has gone, or is too slow: its connection is closed, and it comes back
		}
	}
}

// comment also says how far the reader has looked. That is the position of no event, but a client that
// comes back with it need not have looked for again what its filter lets through.
func comment(position int64) []byte {
	return fmt.Appendf(nil, ": nothing new\nid: %d\n\n", position)
}

// A type that this build does not know can be anything.
var oneLine = strings.NewReplacer("\r", " ", "\n", " ")

// sendEvents writes piece by piece: a client that reads slowly holds no more than one of them.
func sendEvents(w http.ResponseWriter, events []feed.Event) error {
	var text []byte
	for i, e := range events {
		data, err := json.Marshal(newCloudEvent(e)) // one line: JSON has no line breaks but between its tokens
		if err != nil {
			return err
		}
		text = fmt.Appendf(text, "id: %d\nevent: %s\ndata: %s\n\n", e.Position, oneLine.Replace(e.Type), data)
		if len(text) < piece && i < len(events)-1 {
			continue
		}
		if err := send(w, text); err != nil {
			return err
		}
		text = text[:0]
	}
	return nil
}

// send writes to the connection, and not just to a buffer in front of it. Then it moves the deadline behind the next heartbeat:
// HTTP/2 resets a stream at its deadline though nothing is being written, and the end of a stream has to be written, too.
func send(w http.ResponseWriter, text []byte) error {
	connection := http.NewResponseController(w)
	_ = connection.SetWriteDeadline(time.Now().Add(writeTimeout)) // fails only where there is none
	if _, err := w.Write(text); err != nil {
		return err
	}
	if err := connection.Flush(); err != nil {
		return err
	}
	_ = connection.SetWriteDeadline(time.Now().Add(heartbeat + writeTimeout))
	return nil
}
