package torture

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// client has connections enough for every load, and the patience of nobody.
var client = &http.Client{
	Timeout:   20 * time.Second,
	Transport: &http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: 10 * time.Second},
}

// request is what is asked of the service.
type request struct {
	method, path, body string
	key                string // of idempotency, if it is not ""
	correlation        string // by which its event is found in the log
	ifMatch            string
	wait               string // Prefer: wait=…
}

// reply is what it answers.
type reply struct {
	status     int
	version    int    // of the user, from the ETag
	position   int64  // X-Event-Position, else X-Projection-Position
	replayed   bool   // it is the answer to an earlier request with the same key
	code       string // of a problem
	retryAfter string
	body       []byte
	wrote      time.Time // when the request had left us; known of a failure, too

	currentVersion int // of the user, where a condition failed
}

func (r reply) ok() bool { return r.status/100 == 2 }

// send asks once, and with send alone: nothing repeats a request behind our back.
func (s *service) send(q request) (r reply, err error) {
	var wrote atomic.Pointer[time.Time] // the connection's own routine tells
	trace := &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { wrote.Store(new(time.Now())) }}
	defer func() {
		if at := wrote.Load(); at != nil {
			r.wrote = *at
		}
	}()
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(context.Background(), trace), q.method, s.url+q.path, strings.NewReader(q.body))
	if err != nil {
		return r, err
	}
	request.GetBody = nil // without it, it cannot be repeated
	for name, value := range map[string]string{
		"Idempotency-Key": q.key, "X-Correlation-Id": q.correlation, "If-Match": q.ifMatch, "Prefer": q.wait,
	} {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	switch {
	case q.method == http.MethodPatch:
		request.Header.Set("Content-Type", "application/merge-patch+json")
	case q.path == "/v1/events":
		request.Header.Set("Content-Type", "application/cloudevents+json")
	case q.body != "":
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := client.Do(request)
	if err != nil {
		return r, err
	}
	defer response.Body.Close()
	return r, r.read(response)
}

func (r *reply) read(response *http.Response) error {
	r.status, r.retryAfter = response.StatusCode, response.Header.Get("Retry-After")
	r.replayed = response.Header.Get("Idempotency-Replayed") != ""
	tag, _, _ := strings.Cut(strings.Trim(response.Header.Get("ETag"), `"`), ".")
	r.version, _ = strconv.Atoi(tag) // a list has none
	for _, name := range []string{"X-Projection-Position", "X-Event-Position"} {
		if value := response.Header.Get(name); value != "" {
			r.position, _ = strconv.ParseInt(value, 10, 64)
		}
	}
	var all json.RawMessage
	if err := json.NewDecoder(response.Body).Decode(&all); err != nil {
		return err
	}
	r.body = all
	var problem struct {
		Code           string
		CurrentVersion int
	}
	if !r.ok() {
		_ = json.Unmarshal(all, &problem) // that there is none shows in the code
	}
	r.code, r.currentVersion = problem.Code, problem.CurrentVersion
	return nil
}
