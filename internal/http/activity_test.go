package httpapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

const (
	single = "Content-Type: application/cloudevents+json"
	batch  = "Content-Type: application/cloudevents-batch+json"
)

// cloudEvent is an event as a client writes it, about a user, with changes to its members; nil removes one.
func cloudEvent(id, typ, user string, changes ...map[string]any) map[string]any {
	data := map[string]any{"authorId": user}
	if strings.Contains(typ, "ollowed") {
		data = map[string]any{"followerId": uuid.NewString(), "followedUserId": user}
	}
	event := map[string]any{"specversion": "1.0", "source": "/tests", "id": id, "type": typ, "data": data}
	for _, c := range changes {
		maps.Copy(event, c)
	}
	maps.DeleteFunc(event, func(_ string, value any) bool { return value == nil })
	return event
}

func written(t *testing.T, body any) string {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// verdict is what became of an event, and for one that is rejected the code of its problem and the
// values at fault, as "pointer code".
type verdict struct {
	id, status, code string
	faults           []string
}

func (s *stack) report(t *testing.T, body any, headers ...string) (verdicts []verdict) {
	t.Helper()
	got := s.want(t, 200, "", "POST", "/v1/events", written(t, body), headers...)
	for _, one := range got.json(t)["data"].([]any) {
		shown := one.(map[string]any)
		v := verdict{status: shown["status"].(string)}
		v.id, _ = shown["id"].(string)
		if problem, rejected := shown["problem"].(map[string]any); rejected {
			v.code = problem["code"].(string)
			faults, _ := problem["errors"].([]any)
			for _, f := range faults {
				v.faults = append(v.faults, fmt.Sprintf("%s %s", f.(map[string]any)["pointer"], f.(map[string]any)["code"]))
			}
		}
		verdicts = append(verdicts, v)
	}
	return verdicts
}

// settle returns when the projection has had everything.
func (s *stack) settle(t *testing.T) {
	t.Helper()
	for lag := 1.0; lag != 0; {
		lag, _ = s.want(t, 200, "", "GET", "/v1/projections/user_profiles", "").json(t)["lagEvents"].(float64)
	}
}

func (s *stack) wantCounters(t *testing.T, target string, posts, followers float64, tag string) {
	t.Helper()
	got := s.want(t, 200, "", "GET", target, "")
	if u := got.json(t); u["postCount"] != posts || u["followerCount"] != followers || got.Header.Get("ETag") != tag {
		t.Errorf("%s: %s %s, want %v posts, %v followers and %s", target, got.Body, got.Header.Get("ETag"), posts, followers, tag)
	}
}

func TestEventsOfOtherDomainsAreCounted(t *testing.T) {
	s := boot(t)
	late := uuid.NewString()
	for i, typ := range []string{"PostDeleted", "PostCreated", "UserFollowed"} { // positions 1 to 3
		want := []verdict{{id: fmt.Sprint(i), status: "accepted"}}
		if diff := cmp.Diff(want, s.report(t, cloudEvent(fmt.Sprint(i), typ, late), single), cmp.AllowUnexported(verdict{})); diff != "" {
			t.Errorf("-want +got: %s", diff)
		}
	}
	path := s.want(t, 201, "", "POST", "/v1/users", `{"id":"`+late+`","email":"late@example.com","displayName":"Late"}`).Header.Get("Location")
	s.report(t, []any{cloudEvent("3", "PostCreated", late), cloudEvent("4", "UserUnfollowed", late), cloudEvent("5", "UserUnfollowed", late)}, batch)
	s.settle(t)
	s.wantCounters(t, path, 2, 0, `"1.6"`) // position 7 changed nothing
	s.wantCounters(t, path+"?version=1", 1, 1, `"1.3"`)
	s.wantCounters(t, path+"?at_position=4", 1, 1, `"1.3"`)
	s.wantCounters(t, path+"?at_position=5", 2, 1, `"1.5"`)
	s.wantCounters(t, path+"?at_position=7", 2, 0, `"1.6"`)
	s.wantCounters(t, path+"?as_of="+s.timeOf(t, 4), 1, 1, `"1.3"`)
	s.wantCounters(t, path+"?as_of="+s.timeOf(t, 7), 2, 0, `"1.6"`)
	page := s.want(t, 200, "", "GET", "/v1/users?status=active", "").json(t)["data"].([]any)[0].(map[string]any)
	if page["postCount"] != 2.0 {
		t.Errorf("in a list: %v", page)
	}
	s.want(t, 200, "", "PUT", path+"/roles/admin", "", `If-Match: "1.3"`) // a follower fails no command
}

// What is shown of a position is what is shown of the instant that it names, counters included.
func TestMomentIsThatOfTheNewestEventShown(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	created := mustTime(t, s.want(t, 200, "", "GET", path, "").json(t)["createdAt"])
	<-time.After(time.Until(created.Truncate(time.Second).Add(time.Second))) // Memento-Datetime has whole seconds
	user := strings.TrimPrefix(path, "/v1/users/")
	s.report(t, cloudEvent("1", "PostCreated", user), single)
	s.report(t, cloudEvent("2", "PostDeleted", user), single)
	s.report(t, cloudEvent("3", "PostDeleted", user), single) // changes nothing
	s.settle(t)
	for q, newest := range map[string]int64{"at_position=1": 1, "version=1": 1, "at_position=2": 2, "at_position=3": 3, "at_position=4": 3} {
		got := s.want(t, 200, "", "GET", path+"?"+q, "")
		at := s.timeOf(t, newest)
		again := s.want(t, 200, "", "GET", path+"?as_of="+at, "")
		if got.json(t)["asOf"] != at || string(got.Body) != string(again.Body) || got.Header.Get("ETag") != again.Header.Get("ETag") {
			t.Errorf("%s: %s %s, and as of %s: %s %s", q, got.Body, got.Header.Get("ETag"), at, again.Body, again.Header.Get("ETag"))
		}
		for _, a := range []answer{got, again} {
			if memento := mustTime(t, at).Format(http.TimeFormat); a.Header.Get("Memento-Datetime") != memento {
				t.Errorf("%s: Memento-Datetime is %s, want %s", q, a.Header.Get("Memento-Datetime"), memento)
			}
		}
	}
}

// timeOf is when a position was recorded, as a query writes it.
func (s *stack) timeOf(t *testing.T, position int64) (at string) {
	t.Helper()
	err := s.pool.QueryRow(t.Context(), `
SELECT to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') FROM eventlog.events WHERE position = $1`, position).Scan(&at)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// A thousand events, every seventh sent twice and every eleventh wrong.
func TestBatchAnswersForEachEventInOrder(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	ada := strings.TrimPrefix(path, "/v1/users/")
	var events []any
	var want []verdict
	posts := 0.0
	for i := range 1000 {
		id := fmt.Sprint("e", i)
		switch {
		case i%11 == 0:
			events = append(events, cloudEvent(id, "PostCreated", "nobody"))
			want = append(want, verdict{id, "rejected", "validation_failed", []string{fmt.Sprintf("#/%d/data/authorId invalid_id", i)}})
		case i%7 == 0 && (i-1)%11 != 0:
			events = append(events, cloudEvent(fmt.Sprint("e", i-1), "PostCreated", ada))
			want = append(want, verdict{id: fmt.Sprint("e", i-1), status: "duplicate"})
		default:
			events = append(events, cloudEvent(id, "PostCreated", ada))
			want = append(want, verdict{id: id, status: "accepted"})
			posts++
		}
	}
	if diff := cmp.Diff(want, s.report(t, events, batch), cmp.AllowUnexported(verdict{})); diff != "" {
		t.Errorf("-want +got: %s", diff)
	}
	s.settle(t)
	s.wantCounters(t, path, posts, 0, fmt.Sprintf(`"1.%.0f"`, posts+1))
	var stored []string
	rows, _ := s.pool.Query(t.Context(), `SELECT data->>'id' FROM eventlog.events WHERE stream_type = 'activity' ORDER BY position`)
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		stored = append(stored, id)
	}
	want = slices.DeleteFunc(want, func(v verdict) bool { return v.status != "accepted" })
	for i, v := range want {
		if stored[i] != v.id {
			t.Fatalf("stored as number %d: %s, sent as that: %s", i, stored[i], v.id)
		}
	}
}

func TestSameBatchFromFiveClientsAtOnce(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	var events []any
	for i := range 500 {
		events = append(events, cloudEvent(fmt.Sprint("e", i), "UserFollowed", strings.TrimPrefix(path, "/v1/users/")))
	}
	answers := make([][]verdict, 5)
	var clients sync.WaitGroup
	for c := range answers {
		clients.Go(func() { answers[c] = s.report(t, events, batch) })
	}
	clients.Wait()
	for i := range events {
		said := map[string]int{}
		for _, a := range answers {
			said[a[i].status]++
		}
		if said["accepted"] != 1 || said["duplicate"] != 4 {
			t.Errorf("event %d: %v", i, said)
		}
	}
	s.settle(t)
	s.wantCounters(t, path, 0, 500, `"1.501"`)
}

func TestSourceAndIDNameAnEvent(t *testing.T) {
	s := boot(t)
	user := uuid.NewString()
	for _, row := range []struct {
		id, source, want string
	}{
		{"1", "/a", "accepted"}, {"1", "/a", "duplicate"}, {"1", "/b", "accepted"}, {"2", "/a", "accepted"}, {"1", "/A", "accepted"}, {" 1", "/a", "accepted"},
	} {
		got := s.report(t, cloudEvent(row.id, "PostCreated", user, map[string]any{"source": row.source}), single)
		if got[0].status != row.want {
			t.Errorf("%s from %s: %s, want %s", row.id, row.source, got[0].status, row.want)
		}
	}
	// The first that was kept counts, whatever the second says.
	if got := s.report(t, cloudEvent("1", "PostDeleted", uuid.NewString(), map[string]any{"source": "/a"}), single); got[0].status != "duplicate" {
		t.Errorf("another event under the same name: %v", got)
	}
}

func TestEventsAreStoredAsReported(t *testing.T) {
	s := boot(t)
	user, correlation := "01a202b2-c500-7c3e-9a41-5d2f8b6e1a07", "01a202c8-1f40-7a65-8b3d-c02e94f7d816"
	event := cloudEvent("1", "PostCreated", strings.ToUpper(user), map[string]any{
		"time": "2026-11-22T11:00:00.1234567+01:00", "datacontenttype": "application/json; charset=utf-8", "subject": "x", "partitionkey": 7, "sampled": true, "dataschema": nil,
	})
	s.report(t, event, single, "X-Actor: blog", "X-Correlation-Id: "+correlation, "X-Causation-Id: "+user, "Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	var stored, caused string
	if err := s.pool.QueryRow(t.Context(), `SELECT data, metadata FROM eventlog.events WHERE type = 'PostCreated' AND schema_version = 1 AND version = 1`).Scan(&stored, &caused); err != nil {
		t.Fatal(err)
	}
	wantJSON(t, stored, `{"source":"/tests","id":"1","time":"2026-11-22T10:00:00.123456Z","authorId":"`+user+`"}`)
	wantJSON(t, caused, `{"actor":"blog","source":"events","correlationId":"`+correlation+`","causationId":"`+user+`","traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}`)
}

func wantJSON(t *testing.T, got, want string) {
	t.Helper()
	var a, b any
	if json.Unmarshal([]byte(want), &a) != nil || json.Unmarshal([]byte(got), &b) != nil || !cmp.Equal(a, b) {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What is wrong with an event is said of it, and its neighbours are kept.
func TestRejectedEvents(t *testing.T) {
	s := boot(t)
	user := uuid.NewString()
	for name, row := range map[string]struct {
		change map[string]any
		id     string
		faults []string
	}{
		"no specversion":       {map[string]any{"specversion": nil}, "1", []string{"#/1/specversion required"}},
		"another specversion":  {map[string]any{"specversion": "0.3"}, "1", []string{"#/1/specversion unsupported"}},
		"no id":                {map[string]any{"id": nil}, "", []string{"#/1/id required"}},
		"empty id":             {map[string]any{"id": ""}, "", []string{"#/1/id required"}},
		"number for an id":     {map[string]any{"id": 1}, "", []string{"#/1/id wrong_type"}},
		"long id":              {map[string]any{"id": strings.Repeat("é", 256)}, "", []string{"#/1/id too_long"}},
		"NUL in the id":        {map[string]any{"id": "a\x00"}, "", []string{"#/1/id control_character"}},
		"no source":            {map[string]any{"source": nil}, "1", []string{"#/1/source required"}},
		"source with a space":  {map[string]any{"source": "/a b"}, "1", []string{"#/1/source invalid_uri"}},
		"source half encoded":  {map[string]any{"source": "/a%2"}, "1", []string{"#/1/source invalid_uri"}},
		"source without sense": {map[string]any{"source": "http://[::1"}, "1", []string{"#/1/source invalid_uri"}},
		"long source":          {map[string]any{"source": "/" + strings.Repeat("a", 1024)}, "1", []string{"#/1/source too_long"}},
		"NUL in the source":    {map[string]any{"source": "a\x00"}, "1", []string{"#/1/source invalid_uri"}},
		"no type":              {map[string]any{"type": nil}, "1", []string{"#/1/type required"}},
		"another type":         {map[string]any{"type": "PostLiked"}, "1", []string{"#/1/type unsupported"}},
		"type in full":         {map[string]any{"type": "usersvc.PostCreated.v1"}, "1", []string{"#/1/type unsupported"}},
		"event of a user":      {map[string]any{"type": "UserCreated"}, "1", []string{"#/1/type unsupported"}},
		"no time":              {map[string]any{"time": "yesterday"}, "1", []string{"#/1/time invalid_time"}},
		"year 0":               {map[string]any{"time": "0000-01-01T00:00:00Z"}, "1", []string{"#/1/time invalid_time"}},
		"other content":        {map[string]any{"datacontenttype": "text/xml"}, "1", []string{"#/1/datacontenttype unsupported"}},
		"no data":              {map[string]any{"data": nil}, "1", []string{"#/1/data required"}},
		"list for data":        {map[string]any{"data": []any{}}, "1", []string{"#/1/data wrong_type"}},
		"no author":            {map[string]any{"data": map[string]any{}}, "1", []string{"#/1/data/authorId required"}},
		"null for the author":  {map[string]any{"data": map[string]any{"authorId": nil}}, "1", []string{"#/1/data/authorId required"}},
		"zero author":          {map[string]any{"data": map[string]any{"authorId": uuid.Nil.String()}}, "1", []string{"#/1/data/authorId invalid_id"}},
		"number for an author": {map[string]any{"data": map[string]any{"authorId": 7}}, "1", []string{"#/1/data/authorId invalid_id"}},
		"more in data":         {map[string]any{"data": map[string]any{"authorId": user, "title": "x"}}, "1", []string{"#/1/data unknown_member"}},
		"other letter case":    {map[string]any{"data": map[string]any{"authorID": user}}, "1", []string{"#/1/data/authorId required", "#/1/data unknown_member"}},
		"binary data":          {map[string]any{"data_base64": "e30="}, "1", []string{"#/1 unknown_member"}},
		"ID beside id":         {map[string]any{"ID": "2"}, "1", []string{"#/1 unknown_member"}},
		"object as extension":  {map[string]any{"trace": map[string]any{}}, "1", []string{"#/1/trace wrong_type"}},
		"large number":         {map[string]any{"count": 1 << 40}, "1", []string{"#/1/count wrong_type"}},
		"several things":       {map[string]any{"specversion": "2", "source": nil, "time": "x", "data": map[string]any{}}, "1", []string{"#/1/specversion unsupported", "#/1/source required", "#/1/time invalid_time", "#/1/data/authorId required"}},
	} {
		t.Run(name, func(t *testing.T) {
			left, right := uuid.NewString(), uuid.NewString()
			got := s.report(t, []any{cloudEvent(left, "PostCreated", user), cloudEvent("1", "PostCreated", user, row.change), cloudEvent(right, "PostCreated", user)}, batch)
			want := []verdict{{id: left, status: "accepted"}, {row.id, "rejected", "validation_failed", row.faults}, {id: right, status: "accepted"}}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(verdict{})); diff != "" {
				t.Errorf("-want +got: %s", diff)
			}
		})
	}
}

func TestPointersIntoASingleEvent(t *testing.T) {
	s := boot(t)
	got := s.report(t, cloudEvent("1", "PostCreated", "x", map[string]any{"Bad": 1}), single)
	if want := []string{"#/data/authorId invalid_id", "# unknown_member"}; !cmp.Equal(got[0].faults, want) {
		t.Errorf("%v, want %v", got[0].faults, want)
	}
}

// What is no list of events is refused as a whole, and nothing of it is kept.
func TestRefusedRequestsOfEvents(t *testing.T) {
	s := boot(t)
	good := written(t, cloudEvent("1", "PostCreated", uuid.NewString()))
	event := func(member string) string { return `{` + member + `,` + good[1:] }
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for name, row := range map[string]struct {
		status       int
		code         string
		header, body string
	}{
		"no media type":        {415, "unsupported_media_type", "Content-Type: ", good},
		"plain JSON":           {415, "unsupported_media_type", "Content-Type: application/json", good},
		"another charset":      {415, "unsupported_media_type", single + "; charset=latin1", good},
		"large body":           {413, "body_too_large", single, event(`"x":"` + strings.Repeat("x", 1<<20) + `"`)},
		"1,001 events":         {413, "body_too_large", batch, "[" + strings.TrimSuffix(strings.Repeat("{},", 1001), ",") + "]"},
		"a batch as an event":  {400, "malformed_request", single, "[" + good + "]"},
		"an event as a batch":  {400, "malformed_request", batch, good},
		"null":                 {400, "malformed_request", single, "null"},
		"null as a batch":      {400, "malformed_request", batch, "null"},
		"null among events":    {400, "malformed_request", batch, "[" + good + ",null]"},
		"number among events":  {400, "malformed_request", batch, "[" + good + ",1]"},
		"nothing":              {400, "malformed_request", single, " "},
		"text behind":          {400, "malformed_request", single, good + "{}"},
		"cut off":              {400, "malformed_request", batch, "[" + good},
		"member twice":         {400, "malformed_request", single, event(`"id":"2"`)},
		"member twice, inside": {400, "malformed_request", single, event(`"x":{"a":1,"\u0061":2}`)},
		"no UTF-8":             {400, "malformed_request", single, event("\"x\":\"\xff\"")},
		"half a surrogate":     {400, "malformed_request", single, event(`"x":"\ud800"`)},
		"nested too deep":      {400, "malformed_request", single, event(`"x":` + deep(32))},
		"nested a lot deeper":  {400, "malformed_request", single, event(`"x":` + deep(100_000))},
	} {
		t.Run(name, func(t *testing.T) { s.want(t, row.status, row.code, "POST", "/v1/events", row.body, row.header) })
	}
	s.want(t, 200, "", "POST", "/v1/events", event(`"x":`+deep(31)), single) // the event is rejected, not the request
	s.want(t, 200, "", "POST", "/v1/events", "[]", batch)
	s.want(t, 400, "invalid_parameter", "POST", "/v1/events?x=1", good, single)
	var n int
	if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM eventlog.events`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d events were kept (%v)", n, err)
	}
}

// The largest batch that may be sent is taken: a thousand events that fill a mebibyte.
func TestLargestBatch(t *testing.T) {
	s := boot(t)
	var events []any
	for i := range 1000 {
		events = append(events, cloudEvent(fmt.Sprintf("%0250d", i), "UserFollowed", uuid.NewString(), map[string]any{"x": strings.Repeat("x", 600)}))
	}
	if size := len(written(t, events)); size > 1<<20 || size < 1<<20-50_000 {
		t.Fatalf("the batch has %d bytes", size)
	}
	for i, v := range s.report(t, events, batch) {
		if v.status != "accepted" {
			t.Fatalf("event %d: %+v", i, v)
		}
	}
}
