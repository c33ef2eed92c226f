package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

func TestReplayGivesTheFirstAnswer(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	for name, c := range map[string]step{
		"creation":            {"POST", "/v1/users", `{"email":"grace@example.com","displayName":"Grace Hopper"}`},
		"change":              {"PUT", path + "/email", `{"email":"countess@example.com"}`},
		"patch":               {"PATCH", path, `{"firstName":"Ada"}`},
		"nothing to do":       {"PATCH", path, `{}`},
		"grant":               {"PUT", path + "/roles/admin", ""},
		"grant of what is":    {"PUT", path + "/roles/admin", ""},
		"suspend, reactivate": {"POST", path + "/suspend", `{"reason":"Spam"}`},
	} {
		key := "Idempotency-Key: " + strings.ReplaceAll(name, " ", "-")
		first := s.send(t, c.method, c.path, c.body, key)
		if first.code() != "" || first.Header.Get("Idempotency-Replayed") != "" {
			t.Fatalf("%s: %d %s", name, first.Status, first.Body)
		}
		if name == "suspend, reactivate" {
			s.want(t, 200, "", "POST", path+"/reactivate", "")
		}
		again := s.send(t, c.method, c.path, c.body, key, "X-Request-Id: another", "X-Correlation-Id: "+uuid.NewString())
		if again.Header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s: Idempotency-Replayed is missing", name)
		}
		for _, h := range []http.Header{first.Header, again.Header} {
			h.Del("X-Request-Id")
			h.Del("Idempotency-Replayed")
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("%s (-first +again):\n%s", name, diff)
		}
	}
}

func TestKeyOfAnotherRequest(t *testing.T) {
	s := boot(t)
	ada, grace := s.create(t, "ada@example.com"), s.create(t, "grace@example.com")
	const key = `Idempotency-Key: k`
	s.want(t, 200, "", "PUT", ada+"/roles/admin", "", key)
	s.want(t, 200, "", "PUT", ada+"/roles/admin", "", `Idempotency-Key: "k"`)
	s.want(t, 422, "idempotency_key_reused", "DELETE", ada+"/roles/admin", "", key)
	s.want(t, 422, "idempotency_key_reused", "PUT", ada+"/roles/other", "", key)
	s.want(t, 422, "idempotency_key_reused", "PUT", grace+"/roles/admin", "", key)
	s.want(t, 422, "idempotency_key_reused", "PUT", ada+"/roles/admin", "", key, `If-Match: "1.0"`)
	s.want(t, 422, "idempotency_key_reused", "PATCH", ada, `{}`, key)
	// A key belongs to its caller.
	s.want(t, 200, "", "PUT", grace+"/roles/admin", "", key, "X-Actor: grace")
	s.wantNewest(t, ada, 2, "RoleGranted")
}

func TestRefusedCommandsAreNotRemembered(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	const key = "Idempotency-Key: k"
	s.want(t, 409, "not_suspended", "POST", path+"/reactivate", "", key)
	s.want(t, 412, "precondition_failed", "POST", path+"/reactivate", "", key, `If-Match: "9.0"`)
	s.want(t, 422, "validation_failed", "POST", path+"/suspend", `{}`, key)
	s.want(t, 200, "", "POST", path+"/suspend", `{"reason":"Spam"}`, key)
}

func TestReplayComesBeforeTheState(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	first := s.want(t, 200, "", "PUT", path+"/roles/admin", "", "Idempotency-Key: k", `If-Match: "1.0"`)
	s.want(t, 200, "", "DELETE", path, "")
	again := s.want(t, 200, "", "PUT", path+"/roles/admin", "", "Idempotency-Key: k", `If-Match: "1.0"`)
	if diff := cmp.Diff(string(first.Body), string(again.Body)); diff != "" {
		t.Errorf("-first +again:\n%s", diff)
	}
}

// The same key five times at once: one event, five equal answers.
func TestSameKeyAtOnce(t *testing.T) {
	s := boot(t)
	answers := make([]answer, 5)
	var all sync.WaitGroup
	for i := range answers {
		r := newRequest(t, "POST", "/v1/users", `{"email":"ada@example.com","displayName":"Ada"}`, "Idempotency-Key: k")
		all.Go(func() { answers[i] = s.serve(r) })
	}
	all.Wait()
	for _, a := range answers {
		if a.Status != 201 || string(a.Body) != string(answers[0].Body) || a.Header.Get("Location") != answers[0].Header.Get("Location") {
			t.Errorf("%d %s, the first is %s", a.Status, a.Body, answers[0].Body)
		}
	}
	s.wantNewest(t, answers[0].Header.Get("Location"), 1, "UserCreated")
}

func TestIfMatch(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	grant := func(role, ifMatch string) answer {
		return s.send(t, "PUT", path+"/roles/"+role, "", "If-Match: "+ifMatch)
	}
	for i, row := range []struct {
		ifMatch string
		status  int
	}{
		{`"1.0"`, 200}, {`"1.0"`, 412}, {`"2"`, 200}, {`"2.0", "3.17"`, 200}, {`W/"4.0"`, 412}, {`W/"4.0", "4.0"`, 200}, {`*`, 200}, {`"9223372036854775807"`, 412}, {`"0"`, 412},
	} {
		got := grant(fmt.Sprintf("r%d", i), row.ifMatch)
		if got.Status != row.status {
			t.Fatalf("%s: %d %s", row.ifMatch, got.Status, got.Body)
		}
		if row.status == 412 && (got.code() != "precondition_failed" || got.json(t)["currentVersion"] == nil) {
			t.Errorf("%s: %s", row.ifMatch, got.Body)
		}
	}
	got := s.want(t, 412, "precondition_failed", "PATCH", path, `{}`, `If-Match: "1.0"`)
	if got.json(t)["currentVersion"] != 6.0 {
		t.Errorf("currentVersion is %v", got.json(t)["currentVersion"])
	}
	s.want(t, 200, "", "DELETE", path, "", `If-Match: "6.0"`)
	s.want(t, 410, "user_deleted", "DELETE", path, "", `If-Match: "6.0"`)
	s.want(t, 410, "user_deleted", "DELETE", path, "", `If-Match: *`)
}

// 64 grants at once without a condition all happen; with one, exactly one does.
func TestRaces(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	count := func(headers ...string) map[int]int {
		statuses := make([]int, 64)
		var all sync.WaitGroup
		for i := range statuses {
			r := newRequest(t, "PUT", fmt.Sprintf("%s/roles/r%d-%d", path, i, len(headers)), "", headers...)
			all.Go(func() { statuses[i] = s.serve(r).Status })
		}
		all.Wait()
		counts := map[int]int{}
		for _, status := range statuses {
			counts[status]++
		}
		return counts
	}
	if diff := cmp.Diff(map[int]int{200: 64}, count()); diff != "" {
		t.Errorf("without If-Match (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[int]int{200: 1, 412: 63}, count(`If-Match: "65.0"`)); diff != "" {
		t.Errorf("with If-Match (-want +got):\n%s", diff)
	}
}

func TestCause(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	correlation, causation, request := uuid.NewString(), uuid.NewString(), uuid.NewString()
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	s.want(t, 200, "", "PUT", path+"/roles/a", "", "X-Actor: grace", "X-Correlation-Id: "+strings.ToUpper(correlation), "X-Causation-Id: "+causation, "traceparent: "+trace)
	s.want(t, 200, "", "PUT", path+"/roles/b", "", "X-Request-Id: "+request)
	s.want(t, 200, "", "PUT", path+"/roles/c", "", "X-Request-Id: checkout-7")
	events := s.want(t, 200, "", "GET", path+"/events?after_version=1", "").json(t)["data"].([]any)
	metadata := func(i int) map[string]any { return events[i].(map[string]any)["metadata"].(map[string]any) }
	want := map[string]any{"actor": "grace", "source": "api", "correlationId": correlation, "causationId": causation, "traceparent": trace}
	if diff := cmp.Diff(want, metadata(0)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	want = map[string]any{"actor": "anonymous", "source": "api", "correlationId": request}
	if diff := cmp.Diff(want, metadata(1)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, err := uuid.Parse(metadata(2)["correlationId"].(string)); err != nil {
		t.Error(err)
	}
}
