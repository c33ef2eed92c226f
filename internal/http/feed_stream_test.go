package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	httpapi "github.com/usersvc/usersvc/internal/http"
	"github.com/usersvc/usersvc/internal/pgtest"
)

// stream is what a client of the feed has open.
type stream struct {
	t      *testing.T
	header http.Header
	lines  *bufio.Reader
	close  func()
}

// block is what a stream has between two empty lines.
type block struct{ id, event, data, comment, retry string }

// subscribe opens a stream and reads its first block, which says when to come back.
func subscribe(t *testing.T, client *http.Client, address, query string, headers ...string) *stream {
	t.Helper()
	s := connect(t, client, address, query, headers...)
	if first := s.next(); first != (block{retry: "2000"}) {
		t.Fatalf("it begins with %+v", first)
	}
	return s
}

func connect(t *testing.T, client *http.Client, address, query string, headers ...string) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/v1/events"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("Accept-Encoding", "gzip, deflate")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		request.Header.Set(name, value)
	}
	response, err := client.Do(request) //nolint:bodyclose // the stream closes it
	if err != nil {
		t.Fatal(err)
	}
	s := &stream{t, response.Header, bufio.NewReader(response.Body), func() { cancel(); response.Body.Close() }}
	t.Cleanup(s.close)
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", query, response.Status)
	}
	return s
}

// newClient has connections of its own, which end with the test.
func newClient(t *testing.T, protocols ...func(*http.Protocols)) *http.Client {
	t.Helper()
	transport := &http.Transport{DisableCompression: true}
	if len(protocols) > 0 {
		transport.Protocols = new(http.Protocols)
		protocols[0](transport.Protocols)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// clientOfEach returns a client of each protocol that needs no TLS.
func clientOfEach(t *testing.T) map[string]*http.Client {
	t.Helper()
	return map[string]*http.Client{
		"HTTP/1.1": newClient(t),
		"HTTP/2":   newClient(t, func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }),
	}
}

// read returns the next block, or why there is none: io.EOF after a clean end.
func (s *stream) read() (b block, err error) {
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			return b, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "id":
			b.id = value
		case "event":
			b.event = value
		case "data":
			b.data = value
		case "retry":
			b.retry = value
		case "":
			if line == "\n" {
				return b, nil
			}
			b.comment = value
		default:
			s.t.Errorf("the line %q", line)
		}
	}
}

// readEvent passes over what only says that the stream is alive.
func (s *stream) readEvent() (b block, err error) {
	for err == nil && b.event == "" {
		b, err = s.read()
	}
	return b, err
}

func (s *stream) next() block {
	s.t.Helper()
	b, err := s.read()
	if err != nil {
		s.t.Fatalf("the stream broke off: %v", err)
	}
	return b
}

// wantEvent reads an event and holds it against openapi.yaml.
func (s *stream) wantEvent(position int, typ string) {
	s.t.Helper()
	b := s.next()
	var event map[string]any
	if err := json.Unmarshal([]byte(b.data), &event); err != nil {
		s.t.Fatalf("%+v: %v", b, err)
	}
	if err := accepts(contract(s.t).Components.Schemas["FeedEvent"].Value, any(event)); err != nil {
		s.t.Errorf("%s: %v", b.data, err)
	}
	if b.id != strconv.Itoa(position) || b.event != typ || event["sequence"] != fmt.Sprintf("%019d", position) {
		s.t.Fatalf("%+v, want %s at %d", b, typ, position)
	}
}

func TestStream(t *testing.T) {
	s := boot(t)
	address := listen(t, s)
	path := s.create(t, "ada@example.com")
	for name, client := range clientOfEach(t) {
		live := subscribe(t, client, address, "")
		defer live.close()
		got := answer{http.StatusOK, live.header, nil}
		if wrong := wrongHeaders(describedAnswer(t, "GET", "/v1/events", got), got); len(wrong) > 0 {
			t.Errorf("%s: %v", name, errors.Join(wrong...))
		}
		for header, want := range map[string]string{"Content-Type": "text/event-stream", "Content-Encoding": "", "Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
			if live.header.Get(header) != want {
				t.Errorf("%s: %s is %q", name, header, live.header.Get(header))
			}
		}
		live.wantEvent(1, "UserCreated")
		live.close()
	}
	client := newClient(t)
	live, behind := subscribe(t, client, address, ""), subscribe(t, client, address, "?after=1")
	s.want(t, 200, "", "PUT", path+"/roles/admin", "")
	live.wantEvent(1, "UserCreated")
	live.wantEvent(2, "RoleGranted")
	behind.wantEvent(2, "RoleGranted")
	s.stored(t, "user", idOf(t, path), 3, "Odd\nid: 99", 1, "{\n}")
	if b := live.next(); b.id != "3" || b.event != "Odd id: 99" {
		t.Errorf("%+v", b)
	}
	s.want(t, 200, "", "HEAD", "/v1/events", "", "Accept: text/event-stream")
}

func TestStreamResumes(t *testing.T) {
	s := boot(t)
	address, client := listen(t, s), newClient(t)
	path := s.create(t, "ada@example.com")
	s.want(t, 200, "", "PUT", path+"/roles/admin", "")
	s.want(t, 200, "", "PUT", path+"/roles/clerk", "")
	for _, row := range []struct {
		query, last string
		first       int
	}{
		{"", "2", 3}, {"?after=0", "1", 2}, {"?after=3", "0", 1}, {"?since=2020-01-01T00:00:00Z", "2", 3}, {"?limit=1&wait=3", "0", 1},
	} {
		got := subscribe(t, client, address, row.query, "Last-Event-ID: "+row.last)
		if b := got.next(); b.id != strconv.Itoa(row.first) {
			t.Errorf("%+v: %+v", row, b)
		}
		got.close()
	}
	filtered := subscribe(t, client, address, "?types=RoleGranted&user_id="+idOf(t, path).String())
	filtered.wantEvent(2, "RoleGranted")
	filtered.wantEvent(3, "RoleGranted")
}

// After fifteen seconds of silence there is a comment, and a filtered stream says how far it has looked. One that has been silent
// for a little less, and for longer than a client may take to read, ends like any other.
func TestSilentStream(t *testing.T) {
	s := boot(t)
	address, clients := listen(t, s), clientOfEach(t)
	s.create(t, "ada@example.com")
	older, younger := map[string]*stream{}, map[string]*stream{}
	for name, client := range clients {
		older[name] = subscribe(t, client, address, "?types=UserDeleted")
	}
	<-time.After(3 * time.Second)
	for name, client := range clients {
		younger[name] = subscribe(t, client, address, "?types=UserDeleted")
	}
	for name, silent := range older {
		if b, err := silent.read(); err != nil || b != (block{id: "1", comment: "nothing new"}) {
			t.Errorf("%s: %+v, %v", name, b, err)
		}
	}
	s.feed.Close()
	for name, silent := range younger {
		if b, err := silent.read(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: %+v, %v where the end was due", name, b, err)
		}
	}
}

// The server's limits are for requests, not for streams and those who wait.
func TestStreamOutlivesTheLimitsOfRequests(t *testing.T) {
	s := boot(t)
	s.create(t, "ada@example.com")
	server := httpapi.NewServer(s.handler)
	server.ReadTimeout, server.WriteTimeout = 100*time.Millisecond, 2*time.Second
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	defer func() { _ = server.Close(); <-done }()
	client := newClient(t)
	live := subscribe(t, client, listener.Addr().String(), "")
	live.wantEvent(1, "UserCreated")
	response, err := client.Get("http://" + listener.Addr().String() + "/v1/events?after=1&wait=1")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != `{"data":[],"next":1}` {
		t.Errorf("a long poll: %q, %v", body, err)
	}
	<-time.After(1500 * time.Millisecond)
	s.create(t, "grace@example.com")
	live.wantEvent(2, "UserCreated")
}

func TestStopEndsStreams(t *testing.T) {
	s := boot(t)
	s.create(t, "ada@example.com")
	server := httpapi.NewServer(s.handler)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	var open []*stream
	for range 50 {
		one := subscribe(t, newClient(t), listener.Addr().String(), "")
		one.wantEvent(1, "UserCreated")
		open = append(open, one)
	}
	began := time.Now()
	s.feed.Close()
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v", took)
	}
	for _, one := range open {
		if b, err := one.read(); !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%+v, %v", b, err)
		}
	}
	s.want(t, 503, "unavailable", "GET", "/v1/events", "", "Accept: text/event-stream")
}

// A log that ends before what a client has read does not go on with other events under the same positions: the stream ends, and
// whoever comes back is told.
func TestStreamEndsWhenTheLogGoesBack(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	s := bootOn(t, pgtest.Pool(t, db.URL))
	address := listen(t, s)
	s.create(t, "ada@example.com")
	s.create(t, "grace@example.com")
	live := subscribe(t, newClient(t), address, "?after=1")
	live.wantEvent(2, "UserCreated")
	db.LoseEvents(t, 1)
	if b, err := live.read(); !errors.Is(err, io.EOF) {
		t.Errorf("%+v, %v", b, err)
	}
	s.want(t, 409, "position_ahead", "GET", "/v1/events", "", "Accept: text/event-stream", "Last-Event-ID: 2")
}
