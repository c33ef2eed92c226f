package httpapi_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/pgtest"
)

func TestRestoreIsLinkedToWhatItUndoes(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	for _, c := range []step{
		{"PUT", "/roles/keep", ""},                                  // 2
		{"PUT", "/email", `{"email":"b@example.com"}`},              // 3
		{"PATCH", "", `{"firstName":"Ada"}`},                        // 4
		{"PUT", "/roles/admin", ""},                                 // 5
		{"PATCH", "", `{"displayName":"Countess"}`},                 // 6
		{"PUT", "/email", `{"email":"c@example.com"}`},              // 7
		{"DELETE", "/roles/keep", ""},                               // 8
		{"POST", "/suspend", `{"reason":"Spam"}`},                   // 9
		{"POST", "/reactivate", ""},                                 // 10
		{"PUT", "/roles/other", ""}, {"DELETE", "/roles/other", ""}, // 11, 12: undone already
	} {
		s.want(t, 200, "", c.method, path+c.path, c.body)
	}
	correlation := uuid.NewString()
	got := s.want(t, 200, "", "POST", path+"/restore", `{"version":2,"fields":["displayName","firstName","email","roles"],"reason":" Cafe\u0301 "}`,
		"X-Causation-Id: "+uuid.NewString(), "X-Correlation-Id: "+correlation, "X-Actor: grace")
	wantUser(t, got, 16, map[string]any{"email": "ada@example.com", "displayName": "Ada Lovelace", "firstName": "", "roles": []any{"keep"}})
	events := s.want(t, 200, "", "GET", path+"/events?limit=200", "").json(t)["data"].([]any)
	id := func(version int) any { return events[version-1].(map[string]any)["id"] }
	entries := s.want(t, 200, "", "GET", path+"/history?order=asc&limit=200", "").json(t)["data"].([]any)
	for i, want := range []map[string]any{
		{"version": 13.0, "type": "UserEmailChanged", "causationId": id(7)},
		{"version": 14.0, "type": "UserProfileChanged", "causationId": id(6)},
		{"version": 15.0, "type": "RoleRevoked", "causationId": id(5)},
		{"version": 16.0, "type": "RoleGranted", "causationId": id(8)},
	} {
		want["reason"], want["actor"], want["correlationId"] = "Café", "grace", correlation
		entry := entries[12+i].(map[string]any)
		for member, value := range want {
			if entry[member] != value {
				t.Errorf("version %d: %s is %v, want %v", 13+i, member, entry[member], value)
			}
		}
		metadata := events[12+i].(map[string]any)["metadata"].(map[string]any)
		if metadata["causationId"] != want["causationId"] || metadata["reason"] != "Café" {
			t.Errorf("version %d: the metadata is %v", 13+i, metadata)
		}
	}
	// A restore can be undone by another one.
	got = s.want(t, 200, "", "POST", path+"/restore", `{"version":12,"fields":["email"],"reason":"Not oops"}`)
	wantUser(t, got, 17, map[string]any{"email": "c@example.com"})
	newest := s.want(t, 200, "", "GET", path+"/history?limit=1", "").json(t)["data"].([]any)[0].(map[string]any)
	if newest["causationId"] != id(13) || newest["reason"] != "Not oops" {
		t.Errorf("the newest entry is %v", newest)
	}
}

func TestRestoreOfATakenAddressChangesNothing(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	s.want(t, 200, "", "PUT", path+"/email", `{"email":"b@example.com"}`)
	s.want(t, 200, "", "PATCH", path, `{"displayName":"Countess"}`)
	s.create(t, "ADA@example.com")
	s.want(t, 409, "email_taken", "POST", path+"/restore", `{"version":1,"fields":["displayName","email"],"reason":"Oops"}`)
	s.wantNewest(t, path, 3, "UserProfileChanged")
	s.want(t, 200, "", "POST", path+"/restore", `{"version":1,"fields":["displayName"],"reason":"Oops"}`)
	s.want(t, 201, "", "POST", "/v1/users", `{"email":"c@example.com","displayName":"C"}`)
}

// The address that is given up is free, and the one that is taken back is held.
func TestRestoreMovesTheClaim(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	s.want(t, 200, "", "PUT", path+"/email", `{"email":"b@example.com"}`)
	s.want(t, 200, "", "POST", path+"/restore", `{"version":1,"fields":["email"],"reason":"Oops"}`)
	s.create(t, "b@example.com")
	s.want(t, 409, "email_taken", "POST", "/v1/users", `{"email":"ada@example.com","displayName":"A"}`)
}

func TestRestoreWithAKeyAndACondition(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	s.want(t, 200, "", "PATCH", path, `{"displayName":"Countess"}`)
	const body = `{"version":1,"fields":["displayName"],"reason":"Oops"}`
	s.want(t, 412, "precondition_failed", "POST", path+"/restore", body, `If-Match: "1"`)
	first := s.want(t, 200, "", "POST", path+"/restore", body, `If-Match: "2"`, "Idempotency-Key: k")
	again := s.want(t, 200, "", "POST", path+"/restore", body, `If-Match: "2"`, "Idempotency-Key: k")
	if again.Header.Get("Idempotency-Replayed") != "true" || string(again.Body) != string(first.Body) {
		t.Errorf("first %s, then %s", first.Body, again.Body)
	}
	s.want(t, 422, "idempotency_key_reused", "POST", path+"/restore", `{"version":1,"fields":["displayName"],"reason":"Another"}`, `If-Match: "2"`, "Idempotency-Key: k")
	s.wantNewest(t, path, 3, "UserProfileChanged")
}

// Decided on a user that is out of date, a restore is decided again, and what it undoes is looked up again.
func TestRestoreAfterARaceThatWasLost(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	here, there := bootOn(t, pool), bootOn(t, pool)
	path := here.create(t, "ada@example.com")
	here.want(t, 200, "", "PUT", path+"/email", `{"email":"b@example.com"}`)
	there.want(t, 200, "", "PUT", path+"/email", `{"email":"c@example.com"}`)
	there.want(t, 200, "", "PUT", path+"/roles/admin", "")
	got := here.want(t, 200, "", "POST", path+"/restore", `{"version":1,"fields":["email","roles"],"reason":"Oops"}`)
	wantUser(t, got, 6, map[string]any{"email": "ada@example.com", "roles": []any{}})
	events := here.want(t, 200, "", "GET", path+"/events", "").json(t)["data"].([]any)
	var causes []any
	for _, e := range events[4:] {
		causes = append(causes, e.(map[string]any)["metadata"].(map[string]any)["causationId"])
	}
	if diff := cmp.Diff([]any{events[2].(map[string]any)["id"], events[3].(map[string]any)["id"]}, causes); diff != "" {
		t.Errorf("causes (-want +got):\n%s", diff)
	}
	there.want(t, 200, "", "PUT", path+"/roles/author", "") // 7, unknown here
	there.want(t, 200, "", "PATCH", path, `{"firstName":"A"}`)
	here.want(t, 200, "", "POST", path+"/restore", `{"version":7,"fields":["firstName"],"reason":"Oops"}`)
}

func TestRestoreTakesNoOtherTypes(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	for _, body := range []string{
		`{"version":null,"fields":["email"],"reason":"x"}`, `{"version":"1","fields":["email"],"reason":"x"}`, `{"version":1.5,"fields":["email"],"reason":"x"}`,
		`{"version":9223372036854775808,"fields":["email"],"reason":"x"}`, `{"version":1,"fields":null,"reason":"x"}`, `{"version":1,"fields":"email","reason":"x"}`,
		`{"version":1,"fields":[null],"reason":"x"}`, `{"version":1,"fields":[1],"reason":"x"}`, `{"version":1,"fields":[["email"]],"reason":"x"}`,
		`{"version":1,"fields":{"email":true},"reason":"x"}`, `{"version":1,"fields":["email"],"reason":null}`, `{"version":1,"fields":["email"],"reason":"x","status":"active"}`,
	} {
		s.want(t, 400, "malformed_request", "POST", path+"/restore", body)
	}
}
