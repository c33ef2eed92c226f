package httpapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

func TestReadIsCurrentWithoutTheRelay(t *testing.T) {
	s := boot(t)
	s.stopRelay()
	path := s.create(t, "ada@example.com")
	for i := range 150 { // more than a read takes along with its row
		s.want(t, 200, "", "PATCH", path, fmt.Sprintf(`{"firstName":"Ada %d"}`, i))
		got := s.want(t, 200, "", "GET", path, "")
		if got.json(t)["firstName"] != fmt.Sprintf("Ada %d", i) || got.Header.Get("ETag") != fmt.Sprintf(`"%d.0"`, i+2) {
			t.Fatalf("after change %d: %s", i, got.Body)
		}
	}
}

func TestReadConditions(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	for header, status := range map[string]int{
		`"1.0"`: 304, `W/"1.0"`: 304, `"7.0", "1.0"`: 304, `*`: 304, `"1"`: 200, `"1.1"`: 200, `"x"`: 200, `1.0`: 400, ``: 400,
	} {
		got := s.send(t, "GET", path, "", "If-None-Match: "+header)
		if got.Status != status || status == 304 && (len(got.Body) > 0 || got.Header.Get("ETag") != `"1.0"`) {
			t.Errorf("%s: %d %v %s", header, got.Status, got.Header, got.Body)
		}
	}
	s.want(t, 304, "", "GET", path+"?version=1", "", `If-None-Match: "1.0"`)
}

func TestSpellingsOfAnID(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	id := strings.TrimPrefix(path, "/v1/users/")
	want := s.want(t, 200, "", "GET", path, "")
	for _, spelling := range []string{strings.ToUpper(id), "%30" + id[1:], id[:8] + "%2d" + id[9:]} {
		if got := s.want(t, 200, "", "GET", "/v1/users/"+spelling, ""); string(got.Body) != string(want.Body) {
			t.Errorf("%s: %s", spelling, got.Body)
		}
	}
	for _, bad := range []string{"1", strings.ReplaceAll(id, "-", ""), "%7B" + id + "%7D", "urn:uuid:" + id, id + "0", id[:35] + "g", "%00", "%ff", id + "%00", id[:35] + "%00", "a%2Fb", "%20" + id} {
		s.want(t, 400, "invalid_parameter", "GET", "/v1/users/"+bad, "")
		s.want(t, 400, "invalid_parameter", "POST", "/v1/users/"+bad+"/suspend", `{"reason":"Spam"}`)
		s.want(t, 400, "invalid_parameter", "GET", "/v1/users/"+bad+"/history", "")
	}
	s.want(t, 404, "route_not_found", "POST", "/v1/users//suspend", `{"reason":"Spam"}`)
	s.want(t, 404, "user_not_found", "GET", "/v1/users/"+uuid.NewString(), "")
	s.want(t, 404, "user_not_found", "GET", "/v1/users/"+uuid.Nil.String(), "")
	s.want(t, 404, "user_not_found", "GET", "/v1/users/"+uuid.Max.String(), "")
}

func TestDeletedUserIsGone(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	s.want(t, 200, "", "DELETE", path, "")
	s.want(t, 410, "user_deleted", "GET", path, "")
	s.want(t, 200, "", "GET", path+"?version=1", "")
	s.want(t, 410, "user_deleted", "GET", path+"?version=2", "")
}

// Three ways to ask for the same moment, for every moment that there was and those between.
func TestTimeTravel(t *testing.T) {
	s := boot(t)
	other := s.create(t, "grace@example.com")
	var states []map[string]any
	var positions []string
	keep := func(a answer) {
		states, positions = append(states, a.json(t)), append(positions, a.Header.Get("X-Event-Position"))
	}
	keep(s.want(t, 201, "", "POST", "/v1/users", `{"email":"ada@example.com","displayName":"Ada"}`))
	path := "/v1/users/" + states[0]["id"].(string)
	for _, c := range []step{moveAda, grantAdmin, suspendAda, reactivateAda, renameAda} {
		s.want(t, 200, "", "PUT", other+"/roles/r"+uuid.NewString(), "") // positions between
		keep(s.want(t, 200, "", c.method, path+c.path, c.bodyFor("ada@example.com")))
	}
	for i, state := range states {
		at := state["updatedAt"].(string)
		for _, q := range []string{"as_of=" + at, fmt.Sprintf("version=%d", i+1), "at_position=" + positions[i]} {
			got := s.want(t, 200, "", "GET", path+"?"+q, "")
			s.wantMoment(t, q, got, state, at)
		}
		if next := i + 1; next < len(states) {
			before := mustTime(t, states[next]["updatedAt"]).Add(-time.Microsecond)
			got := s.want(t, 200, "", "GET", path+"?as_of="+before.Add(999*time.Nanosecond).Format(time.RFC3339Nano), "")
			s.wantMoment(t, "between", got, state, before.Format("2006-01-02T15:04:05.000000Z"))
		}
	}
	created := mustTime(t, states[0]["createdAt"])
	s.want(t, 404, "not_yet_existing", "GET", path+"?as_of="+created.Add(-time.Microsecond).Format(time.RFC3339Nano), "")
	s.want(t, 404, "not_yet_existing", "GET", path+"?as_of=0001-01-01T00:00:00Z", "")
	s.want(t, 404, "not_yet_existing", "GET", path+"?at_position=1", "")
	s.want(t, 404, "not_yet_existing", "GET", path+"?at_position=0", "")
	s.want(t, 404, "user_not_found", "GET", "/v1/users/"+uuid.NewString()+"?as_of=2020-01-01T00:00:00Z", "")
	inOffset := created.In(time.FixedZone("", 2*60*60)).Format(time.RFC3339Nano)
	s.want(t, 200, "", "GET", path+"?as_of="+url.QueryEscape(inOffset), "")
	got := s.want(t, 400, "invalid_parameter", "GET", path+"?as_of="+inOffset, "")
	if !strings.Contains(string(got.Body), "%2B") {
		t.Errorf("a bare +: %s", got.Body)
	}
}

func (s *stack) wantMoment(t *testing.T, name string, got answer, state map[string]any, asOf string) {
	t.Helper()
	want := map[string]any{"asOf": asOf}
	for member, value := range state {
		want[member] = value
	}
	if diff := cmp.Diff(want, got.json(t)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
	memento := mustTime(t, state["updatedAt"]).Format(http.TimeFormat)
	tag := fmt.Sprintf(`"%v.0"`, state["version"])
	if got.Header.Get("Memento-Datetime") != memento || got.Header.Get("ETag") != tag {
		t.Errorf("%s: %v, want %s and %s", name, got.Header, memento, tag)
	}
}

func mustTime(t *testing.T, value any) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, value.(string))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestPointsThatCannotBe(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	s.want(t, 400, "as_of_in_future", "GET", path+"?as_of="+time.Now().Add(time.Hour).UTC().Format(time.RFC3339Nano), "")
	s.want(t, 400, "as_of_in_future", "GET", path+"?as_of=9999-12-31T23:59:59Z", "")
	for _, q := range []string{
		"version=0", "version=-1", "version=2", "version=2147483647", "version=2147483648", "version=9223372036854775808", "version=1.0", "version=",
		"at_position=-1", "at_position=2", "at_position=9223372036854775807", "at_position=9223372036854775808", "at_position=x",
		"as_of=", "as_of=infinity", "as_of=294277-01-01T00:00:00Z", "as_of=0000-12-31T23:59:59Z", "as_of=%00", "as_of=%ff",
		"version=1&at_position=1", "version=1&as_of=2020-01-01T00:00:00Z", "at_position=0&as_of=2020-01-01T00:00:00Z", "version=1&version=1", "Version=1", "asOf=1", "as_of",
	} {
		s.want(t, 400, "invalid_parameter", "GET", path+"?"+q, "")
	}
}

func TestHeadAnswersLikeGet(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	s.caughtUp(t, "/v1/users?min_position=1") // nothing moves between the two
	for _, target := range []string{
		path, path + "?version=1", path + "?version=9", path + "/history", path + "/events", "/v1/users?email=ada@example.com", "/v1/users/" + uuid.NewString(),
		"/v1/projections/nothing", "/livez", "/readyz", "/openapi.yaml", "/openapi.json", "/problems/internal", "/nothing",
	} {
		get := s.send(t, "GET", target, "", "X-Request-Id: same")
		head := s.send(t, "HEAD", target, "", "X-Request-Id: same")
		get.Body, head.Body = nil, nil // net/http leaves it out, the recorder does not
		if diff := cmp.Diff(get, head); diff != "" {
			t.Errorf("%s (-GET +HEAD):\n%s", target, diff)
		}
	}
}
