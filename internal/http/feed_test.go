package httpapi_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/eventstore"
)

// stored puts an event into the log, past all rules.
func (s *stack) stored(t *testing.T, streamType string, stream uuid.UUID, version int, typ string, schema int, data string) {
	t.Helper()
	_, err := s.log.Append(t.Context(), eventstore.Command{
		StreamType: streamType, StreamID: stream, ExpectedVersion: version - 1,
		Events:   []eventstore.Event{{ID: uuid.New(), Type: typ, SchemaVersion: schema, Data: []byte(data)}},
		Metadata: eventstore.Metadata{Actor: "tests", Source: "test", CorrelationID: uuid.New()},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// feedOf asks for a page and returns its events and next.
func (s *stack) feedOf(t *testing.T, query string) (events []map[string]any, next float64) {
	t.Helper()
	page := s.want(t, 200, "", "GET", "/v1/events"+query, "").json(t)
	for _, e := range page["data"].([]any) {
		events = append(events, e.(map[string]any))
	}
	return events, page["next"].(float64)
}

func TestEventsAsCloudEvents(t *testing.T) {
	s := boot(t)
	const correlation, causation, trace = "01a202c8-1f40-7a65-8b3d-c02e94f7d816", "01a202ba-5f10-7a02-9d6e-1b8c4f7a2e93", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	path := s.want(t, 201, "", "POST", "/v1/users", `{"email":"ada@example.com","firstName":"Ada","lastName":"Lovelace"}`,
		"X-Actor: grace", "X-Correlation-Id: "+correlation, "X-Causation-Id: "+causation, "Traceparent: "+trace).Header.Get("Location")
	ada := strings.TrimPrefix(path, "/v1/users/")
	s.report(t, cloudEvent("post-1", "PostCreated", ada, map[string]any{"source": "https://posts.example/blog", "time": "2020-01-01T00:00:00Z"}), single, "X-Correlation-Id: "+correlation)
	id := s.want(t, 200, "", "GET", path+"/events", "").json(t)["data"].([]any)[0].(map[string]any)["id"]
	events, next := s.feedOf(t, "")
	want := []map[string]any{{
		"specversion": "1.0", "id": id, "source": "/v1/users", "type": "usersvc.UserCreated.v2", "subject": ada,
		"time": s.timeOf(t, 1), "datacontenttype": "application/json", "sequence": "0000000000000000001",
		"correlationid": correlation, "causationid": causation, "actor": "grace", "traceparent": trace,
		"data": map[string]any{"email": "ada@example.com", "displayName": "Ada Lovelace", "firstName": "Ada", "lastName": "Lovelace"},
	}, {
		"specversion": "1.0", "id": "post-1", "source": "https://posts.example/blog", "type": "usersvc.PostCreated.v1", "subject": ada,
		"time": s.timeOf(t, 2), "datacontenttype": "application/json", "sequence": "0000000000000000002",
		"correlationid": correlation, "actor": "anonymous", "data": map[string]any{"authorId": ada},
	}}
	if diff := cmp.Diff(want, events); diff != "" || next != 2 {
		t.Errorf("next %v, -want +got:\n%s", next, diff)
	}
}

// What an older build wrote is shown as this one writes it; what a newer one wrote, as it is.
func TestEventsOfOtherBuilds(t *testing.T) {
	s := boot(t)
	user, post := uuid.New(), uuid.New()
	s.stored(t, "user", user, 1, "UserCreated", 1, `{"email":"ada@example.com","name":"Ada King Lovelace"}`)
	s.stored(t, "user", user, 2, "UserCreated", 9, `{"who":{"email":"x"}}`)
	s.stored(t, "user", user, 3, "UserFrozen", 1, `{"reason":"cold"}`)
	s.stored(t, "user", user, 4, "UserSuspended", 1, `{"reason":7}`) // cannot be read
	s.stored(t, "activity", post, 1, "PostLiked", 1, `{"source":"/a","id":"1","authorId":"x"}`)
	events, _ := s.feedOf(t, "")
	for i, want := range []struct{ typ, subject, data string }{
		{"usersvc.UserCreated.v2", user.String(), `{"email":"ada@example.com","displayName":"Ada King Lovelace","firstName":"Ada","lastName":"King Lovelace"}`},
		{"usersvc.UserCreated.v9", user.String(), `{"who":{"email":"x"}}`},
		{"usersvc.UserFrozen.v1", user.String(), `{"reason":"cold"}`},
		{"usersvc.UserSuspended.v1", user.String(), `{"reason":7}`},
		{"usersvc.PostLiked.v1", "", `{"source":"/a","id":"1","authorId":"x"}`},
	} {
		e := events[i]
		if subject, _ := e["subject"].(string); e["type"] != want.typ || subject != want.subject || e["source"] != "/v1/users" {
			t.Errorf("event %d: %v", i, e)
		}
		wantJSON(t, written(t, e["data"]), want.data)
	}
}

func TestFeedPages(t *testing.T) {
	s := boot(t)
	for i := range 7 {
		s.create(t, fmt.Sprintf("u%d@example.com", i))
	}
	for limit := 1; limit <= 8; limit++ {
		var seen []string
		for after := 0.0; ; {
			events, next := s.feedOf(t, fmt.Sprintf("?after=%.0f&limit=%d", after, limit))
			for _, e := range events {
				seen = append(seen, e["sequence"].(string)[18:])
			}
			if after = next; len(events) == 0 {
				break
			}
		}
		if got := strings.Join(seen, ""); got != "1234567" {
			t.Errorf("by %d: %s", limit, got)
		}
	}
	for query, want := range map[string]int{"": 7, "?after=7": 0, "?after=5&wait=0": 2, "?types=UserDeleted": 0, "?types=UserDeleted,UserCreated&after=2": 5} {
		if events, next := s.feedOf(t, query); len(events) != want || next != 7 {
			t.Errorf("%q: %d events and %v", query, len(events), next)
		}
	}
}

func TestFeedOfOneUserAndOfOnePurpose(t *testing.T) {
	s := boot(t)
	ada, grace := s.create(t, "ada@example.com"), s.create(t, "grace@example.com")
	id := func(path string) string { return strings.TrimPrefix(path, "/v1/users/") }
	const purpose = "01a202c8-1f40-7a65-8b3d-c02e94f7d816"
	s.want(t, 200, "", "PUT", ada+"/roles/admin", "", "X-Correlation-Id: "+purpose)
	s.report(t, []any{cloudEvent("1", "PostCreated", id(ada)), cloudEvent("2", "UserFollowed", id(grace)), cloudEvent("3", "PostDeleted", id(ada))}, batch)
	for query, want := range map[string]string{
		"?user_id=" + id(ada):                                     "1346",
		"?user_id=" + strings.ToUpper(id(ada)):                    "1346",
		"?user_id=" + id(grace):                                   "25",
		"?user_id=" + id(ada) + "&types=PostCreated,UserFollowed": "4",
		"?correlation_id=" + purpose:                              "3",
		"?correlation_id=" + purpose + "&user_id=" + id(grace):    "",
		"?user_id=" + uuid.NewString():                            "",
		"?user_id=" + id(ada) + "&after=1&limit=2":                "34",
		"?user_id=" + id(ada) + "&correlation_id=" + purpose:      "3",
		"?since=" + s.timeOf(t, 3):                                "3456",
		"?since=2020-01-01T00:00:00Z&limit=2":                     "12",
		"?since=2999-01-01T00:00:00Z":                             "",
		"?since=" + s.timeOf(t, 3) + "&user_id=" + id(grace):      "5",
		"?since=0001-01-01T00:00:00Z&types=RoleGranted":           "3",
	} {
		events, _ := s.feedOf(t, query)
		var got string
		for _, e := range events {
			got += e["sequence"].(string)[18:]
		}
		if got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

func TestRefusedRequestsForTheFeed(t *testing.T) {
	s := boot(t)
	s.create(t, "ada@example.com")
	const stream = "Accept: text/event-stream"
	for _, row := range []struct {
		status int
		code   string
		query  string
		header string
	}{
		{400, "invalid_parameter", "?after=-1", ""},
		{400, "invalid_parameter", "?after=+1", ""},
		{400, "invalid_parameter", "?after=1.0", ""},
		{400, "invalid_parameter", "?after=", ""},
		{400, "invalid_parameter", "?after=9223372036854775808", ""},
		{400, "invalid_parameter", "?after=0&since=2026-11-22T10:00:00Z", ""},
		{400, "invalid_parameter", "?since=yesterday", ""},
		{400, "invalid_parameter", "?since=2026-11-22T10:00:00+01:00", ""},
		{400, "invalid_parameter", "?limit=0", ""},
		{400, "invalid_parameter", "?limit=201", ""},
		{400, "invalid_parameter", "?wait=21", ""},
		{400, "invalid_parameter", "?wait=1.5", ""},
		{400, "invalid_parameter", "?wait=1s", ""},
		{400, "invalid_parameter", "?types=", ""},
		{400, "invalid_parameter", "?types=UserCreated,", ""},
		{400, "invalid_parameter", "?types=usersvc.UserCreated.v2", ""},
		{400, "invalid_parameter", "?types=A" + strings.Repeat(",A", 50), ""},
		{400, "invalid_parameter", "?user_id=ada", ""},
		{400, "invalid_parameter", "?user_id=" + uuid.Nil.String(), ""},
		{400, "invalid_parameter", "?correlation_id=1", ""},
		{400, "invalid_parameter", "?cursor=1", ""},
		{400, "invalid_parameter", "?after=1&after=1", ""},
		{400, "invalid_parameter", "?wait=21", stream},
		{400, "invalid_parameter", "?after=0&since=2026-11-22T10:00:00Z", stream},
		{406, "not_acceptable", "", "Accept: text/html"},
		{406, "not_acceptable", "?after=9", "Accept: application/json;q=0"},
		{400, "invalid_parameter", "?limit=0", "Accept: text/html"},
		{409, "position_ahead", "?after=2", ""},
		{409, "position_ahead", "?after=2&wait=20", ""},
		{409, "position_ahead", "?after=9223372036854775807", ""},
		{409, "position_ahead", "?after=2", stream},
	} {
		if row.header == "" {
			s.want(t, row.status, row.code, "GET", "/v1/events"+row.query, "")
			s.send(t, "HEAD", "/v1/events"+row.query, "")
		} else {
			s.want(t, row.status, row.code, "GET", "/v1/events"+row.query, "", row.header)
		}
	}
	for last, code := range map[string]string{"": "invalid_parameter", "x": "invalid_parameter", "-1": "invalid_parameter", "1,2": "invalid_parameter", "9223372036854775808": "invalid_parameter", "2": "position_ahead"} {
		status := map[string]int{"invalid_parameter": 400, "position_ahead": 409}[code]
		s.want(t, status, code, "GET", "/v1/events?after=0", "", stream, "Last-Event-ID: "+last)
		s.want(t, 200, "", "GET", "/v1/events", "", "Last-Event-ID: "+last) // no business of a page
	}
	s.want(t, 400, "invalid_parameter", "GET", "/v1/events", "", stream, "Last-Event-ID: 1", "Last-Event-ID: 1")
	s.want(t, 405, "method_not_allowed", "PUT", "/v1/events", "")
}

func TestLongPoll(t *testing.T) {
	s := boot(t)
	s.create(t, "ada@example.com")
	answered := make(chan answer)
	go func() { answered <- s.serve(newRequest(t, "GET", "/v1/events?after=1&wait=20", "")) }()
	for s.feed.Open() == 0 {
		<-time.After(time.Millisecond)
	}
	s.create(t, "grace@example.com")
	got := <-answered
	verify(t, "GET", "/v1/events", got)
	var page struct {
		Data []struct{ Sequence string }
		Next int
	}
	if err := json.Unmarshal(got.Body, &page); err != nil || len(page.Data) != 1 || page.Next != 2 {
		t.Errorf("%s, %v", got.Body, err)
	}
	began := time.Now()
	if events, next := s.feedOf(t, "?after=2&wait=1"); len(events) != 0 || next != 2 || time.Since(began) < time.Second {
		t.Errorf("%d events and %v after %v", len(events), next, time.Since(began))
	}
	if s.feed.Open() != 0 {
		t.Error("a long poll that was answered is still counted")
	}
}
