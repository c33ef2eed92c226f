package httpapi_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// step is a request about the user of a test. Its path begins behind the user's, and %s is its address.
type step struct{ method, path, body string }

func (c step) bodyFor(address string) string { return strings.ReplaceAll(c.body, "%s", address) }

var (
	suspendAda    = step{"POST", "/suspend", `{"reason":"Spam"}`}
	reactivateAda = step{"POST", "/reactivate", ""}
	grantAdmin    = step{"PUT", "/roles/admin", ""}
	revokeAdmin   = step{"DELETE", "/roles/admin", ""}
	deleteAda     = step{"DELETE", "", ""}
	renameAda     = step{"PATCH", "", `{"displayName":"Countess"}`}
	restoreAda    = step{"POST", "/restore", `{"version":1,"fields":["email","roles"],"reason":"Oops"}`}
	moveAda       = step{"PUT", "/email", `{"email":"new-%s"}`}
)

func TestCommands(t *testing.T) {
	s := boot(t)
	for name, row := range map[string]struct {
		given   []step
		when    step
		status  int
		code    string
		event   string         // of the newest version, if one was added
		members map[string]any // of the answer
	}{
		"change e-mail":                       {nil, moveAda, 200, "", "UserEmailChanged", map[string]any{"email": "the new one"}},
		"change e-mail to itself":             {nil, step{"PUT", "/email", `{"email":"%s"}`}, 200, "", "", nil},
		"change e-mail to another spelling":   {nil, step{"PUT", "/email", `{"email":"A%s"}`}, 200, "", "UserEmailChanged", nil},
		"change e-mail while suspended":       {[]step{suspendAda}, moveAda, 409, "user_suspended", "", nil},
		"change e-mail to itself, suspended":  {[]step{suspendAda}, step{"PUT", "/email", `{"email":"%s"}`}, 409, "user_suspended", "", nil},
		"change e-mail of a deleted user":     {[]step{deleteAda}, moveAda, 410, "user_deleted", "", nil},
		"rename":                              {nil, renameAda, 200, "", "UserProfileChanged", map[string]any{"displayName": "Countess"}},
		"rename to the same":                  {[]step{renameAda}, renameAda, 200, "", "", nil},
		"rename to the same with blanks":      {[]step{renameAda}, step{"PATCH", "", `{"displayName":" Countess "}`}, 200, "", "", nil},
		"patch nothing":                       {nil, step{"PATCH", "", `{}`}, 200, "", "", nil},
		"patch names":                         {nil, step{"PATCH", "", `{"firstName":"Ada","lastName":"Byron"}`}, 200, "", "UserProfileChanged", map[string]any{"firstName": "Ada", "lastName": "Byron", "displayName": "Ada Lovelace"}},
		"null clears a name":                  {[]step{{"PATCH", "", `{"firstName":"Ada"}`}}, step{"PATCH", "", `{"firstName":null}`}, 200, "", "UserProfileChanged", map[string]any{"firstName": ""}},
		"null for a display name":             {nil, step{"PATCH", "", `{"displayName":null}`}, 422, "validation_failed", "", nil},
		"a name in NFC":                       {nil, step{"PATCH", "", `{"displayName":"Zoe\u0308"}`}, 200, "", "UserProfileChanged", map[string]any{"displayName": "Zoë"}},
		"rename while suspended":              {[]step{suspendAda}, step{"PATCH", "", `{}`}, 409, "user_suspended", "", nil},
		"rename a deleted user":               {[]step{deleteAda}, renameAda, 410, "user_deleted", "", nil},
		"suspend":                             {nil, suspendAda, 200, "", "UserSuspended", map[string]any{"status": "suspended", "suspensionReason": "Spam"}},
		"suspend again":                       {[]step{suspendAda}, suspendAda, 409, "already_suspended", "", nil},
		"suspend without a reason":            {nil, step{"POST", "/suspend", `{}`}, 422, "validation_failed", "", nil},
		"suspend a deleted user":              {[]step{deleteAda}, suspendAda, 410, "user_deleted", "", nil},
		"reactivate":                          {[]step{suspendAda}, reactivateAda, 200, "", "UserReactivated", map[string]any{"status": "active", "suspensionReason": nil, "suspendedAt": nil}},
		"reactivate with an empty object":     {[]step{suspendAda}, step{"POST", "/reactivate", `{}`}, 200, "", "UserReactivated", nil},
		"reactivate an active user":           {nil, reactivateAda, 409, "not_suspended", "", nil},
		"reactivate a deleted user":           {[]step{suspendAda, deleteAda}, reactivateAda, 410, "user_deleted", "", nil},
		"grant":                               {nil, grantAdmin, 200, "", "RoleGranted", map[string]any{"roles": []any{"admin"}}},
		"grant, sorted":                       {[]step{grantAdmin, {"PUT", "/roles/zoo", ""}}, step{"PUT", "/roles/b.a:c-d_e", ""}, 200, "", "RoleGranted", map[string]any{"roles": []any{"admin", "b.a:c-d_e", "zoo"}}},
		"grant, percent-encoded":              {nil, step{"PUT", "/roles/a%3A%62", ""}, 200, "", "RoleGranted", map[string]any{"roles": []any{"a:b"}}},
		"grant what is held":                  {[]step{grantAdmin}, grantAdmin, 200, "", "", nil},
		"grant what is held, suspended":       {[]step{grantAdmin, suspendAda}, grantAdmin, 409, "user_suspended", "", nil},
		"grant against the rule":              {nil, step{"PUT", "/roles/Admin", ""}, 422, "validation_failed", "", nil},
		"grant to a deleted user":             {[]step{deleteAda}, grantAdmin, 410, "user_deleted", "", nil},
		"revoke":                              {[]step{grantAdmin}, revokeAdmin, 200, "", "RoleRevoked", map[string]any{"roles": []any{}}},
		"revoke while suspended":              {[]step{grantAdmin, suspendAda}, revokeAdmin, 200, "", "RoleRevoked", map[string]any{"roles": []any{}}},
		"revoke what is not held":             {nil, revokeAdmin, 200, "", "", nil},
		"revoke against the rule":             {nil, step{"DELETE", "/roles/-", ""}, 422, "validation_failed", "", nil},
		"revoke of a deleted user":            {[]step{grantAdmin, deleteAda}, revokeAdmin, 410, "user_deleted", "", nil},
		"restore":                             {[]step{moveAda}, restoreAda, 200, "", "UserEmailChanged", nil},
		"restore what is the same":            {nil, restoreAda, 200, "", "", nil},
		"restore while suspended":             {[]step{moveAda, suspendAda}, restoreAda, 409, "user_suspended", "", nil},
		"restore to a version to come":        {nil, step{"POST", "/restore", `{"version":2,"fields":["email"],"reason":"Oops"}`}, 422, "validation_failed", "", nil},
		"restore without a reason":            {[]step{moveAda}, step{"POST", "/restore", `{"version":1,"fields":["email"]}`}, 422, "validation_failed", "", nil},
		"restore a deleted user":              {[]step{deleteAda}, restoreAda, 410, "user_deleted", "", nil},
		"delete":                              {nil, deleteAda, 200, "", "UserDeleted", map[string]any{"status": "deleted"}},
		"delete for a reason":                 {nil, step{"DELETE", "?reason=asked%20for", ""}, 200, "", "UserDeleted", nil},
		"delete a suspended user":             {[]step{suspendAda}, deleteAda, 200, "", "UserDeleted", map[string]any{"status": "deleted", "suspendedAt": nil}},
		"delete again":                        {[]step{deleteAda}, deleteAda, 410, "user_deleted", "", nil},
		"delete for a reason of blanks alone": {nil, step{"DELETE", "?reason=%20", ""}, 422, "validation_failed", "", nil},
		"delete for an empty reason":          {nil, step{"DELETE", "?reason=", ""}, 422, "validation_failed", "", nil},
		"delete for too long a reason":        {nil, step{"DELETE", "?reason=" + strings.Repeat("x", 501), ""}, 422, "validation_failed", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			email := uuid.NewString() + "@example.com"
			path := s.create(t, email)
			send := func(c step, status int, code string) answer {
				return s.want(t, status, code, c.method, path+c.path, c.bodyFor(email))
			}
			version := 1
			for _, before := range row.given {
				send(before, 200, "")
				version++
			}
			got := send(row.when, row.status, row.code)
			if row.event != "" {
				version++
			}
			s.wantNewest(t, path, version, row.event)
			if row.status == 200 {
				if row.members["email"] != nil {
					row.members["email"] = "new-" + email
				}
				wantUser(t, got, version, row.members)
			}
		})
	}
}

// wantNewest checks how many events a user has, and the type of the last one.
func (s *stack) wantNewest(t *testing.T, path string, version int, event string) {
	t.Helper()
	history := s.want(t, 200, "", "GET", path+"/history?limit=1", "").json(t)
	newest, _ := history["data"].([]any)[0].(map[string]any)
	if newest["version"] != float64(version) || event != "" && newest["type"] != event {
		t.Errorf("the newest event is %v %v, want %v %v", newest["version"], newest["type"], version, event)
	}
}

func wantUser(t *testing.T, got answer, version int, members map[string]any) {
	t.Helper()
	user := got.json(t)
	if want := fmt.Sprintf(`"%d.0"`, version); got.Header.Get("ETag") != want || user["version"] != float64(version) {
		t.Errorf("ETag %s and version %v, want %s", got.Header.Get("ETag"), user["version"], want)
	}
	for name, want := range members {
		if diff := cmp.Diff(want, user[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestCommandsOnNobody(t *testing.T) {
	s := boot(t)
	path := "/v1/users/" + uuid.NewString()
	for _, c := range []step{suspendAda, reactivateAda, grantAdmin, revokeAdmin, deleteAda, renameAda, moveAda, restoreAda} {
		s.want(t, 404, "user_not_found", c.method, path+c.path, c.bodyFor("ada@example.com"))
		s.want(t, 404, "user_not_found", c.method, path+c.path, c.bodyFor("ada@example.com"), "If-Match: *")
	}
}

func TestCreate(t *testing.T) {
	s := boot(t)
	got := s.want(t, 201, "", "POST", "/v1/users", `{"email":"Ada@Example.com","firstName":" Ada ","lastName":"Lovelace"}`)
	user := got.json(t)
	id, err := uuid.Parse(user["id"].(string))
	if err != nil || id.Version() != 7 || got.Header.Get("Location") != "/v1/users/"+id.String() {
		t.Errorf("id %v, Location %s", user["id"], got.Header.Get("Location"))
	}
	wantUser(t, got, 1, map[string]any{
		"email": "Ada@Example.com", "displayName": "Ada Lovelace", "firstName": "Ada", "lastName": "Lovelace", "status": "active",
		"suspendedAt": nil, "suspensionReason": nil, "roles": []any{}, "postCount": 0.0, "followerCount": 0.0, "updatedAt": user["createdAt"],
	})
	if got.Header.Get("X-Event-Position") != "1" {
		t.Errorf("X-Event-Position is %s", got.Header.Get("X-Event-Position"))
	}
	if diff := cmp.Diff(user, s.want(t, 200, "", "GET", got.Header.Get("Location"), "").json(t)); diff != "" {
		t.Errorf("read afterwards (-created +read):\n%s", diff)
	}
	s.want(t, 409, "email_taken", "POST", "/v1/users", `{"email":"aDA@eXAMPLE.COM","displayName":"Another"}`)
}

func TestCreateWithAnIDOfOnesOwn(t *testing.T) {
	s := boot(t)
	id := uuid.NewString()
	body := func(email string) string {
		return fmt.Sprintf(`{"id":"%s","email":"%s","displayName":"Ada"}`, strings.ToUpper(id), email)
	}
	got := s.want(t, 201, "", "POST", "/v1/users", body("ada@example.com"))
	if got.json(t)["id"] != id || got.Header.Get("Location") != "/v1/users/"+id {
		t.Errorf("%v at %s, want %s", got.json(t)["id"], got.Header.Get("Location"), id)
	}
	s.want(t, 409, "user_exists", "POST", "/v1/users", body("another@example.com"))
	s.want(t, 200, "", "DELETE", "/v1/users/"+id, "")
	s.want(t, 409, "user_exists", "POST", "/v1/users", body("another@example.com"))
	s.want(t, 201, "", "POST", "/v1/users", `{"email":"another@example.com","displayName":"Ada"}`)
}

// All that is wrong is told at once.
func TestValidation(t *testing.T) {
	s := boot(t)
	long := strings.Repeat("é", 201)
	path := s.create(t, "ada@example.com")
	for _, row := range []struct {
		method, path, body string
		wrong              []string // pointer and code
	}{
		{"POST", "/v1/users", `{}`, []string{"#/email required", "#/displayName required", "#/firstName required", "#/lastName required"}},
		{"POST", "/v1/users", `{"email":"ada@example.net","firstName":"Ada"}`, []string{"#/lastName required"}},
		{"POST", "/v1/users", `{"displayName":""}`, []string{"#/email required", "#/displayName required"}},
		{"POST", "/v1/users", `{"email":"a@b.c","displayName":" \t "}`, []string{"#/displayName required"}},
		{"POST", "/v1/users", `{"email":"a@b.c","firstName":"","lastName":" "}`, []string{"#/displayName required"}},
		{"POST", "/v1/users", `{"id":"1","email":"ada","displayName":"` + long + `","firstName":"a\u0000","lastName":"` + long + `"}`,
			[]string{"#/id invalid_id", "#/email invalid_email", "#/displayName too_long", "#/firstName control_character", "#/lastName too_long"}},
		{"POST", "/v1/users", `{"id":"","email":"","displayName":"Ada"}`, []string{"#/id invalid_id", "#/email required"}},
		{"POST", "/v1/users", `{"email":"ada\u0000@example.com","displayName":"Ada"}`, []string{"#/email invalid_email"}},
		{"PUT", path + "/email", `{}`, []string{"#/email required"}},
		{"PUT", path + "/email", `{"email":"ada@localhost"}`, []string{"#/email invalid_email"}},
		{"PATCH", path, `{"displayName":null,"firstName":"a\u0007","lastName":"` + long + `"}`,
			[]string{"#/displayName required", "#/firstName control_character", "#/lastName too_long"}},
		{"POST", path + "/suspend", `{"reason":""}`, []string{"#/reason required"}},
		{"POST", path + "/suspend", `{"reason":"` + strings.Repeat("x", 501) + `"}`, []string{"#/reason too_long"}},
		{"POST", path + "/restore", `{}`, []string{"#/version required", "#/fields required", "#/reason required"}},
		{"POST", path + "/restore", `{"version":0,"fields":[],"reason":" "}`, []string{"#/reason required", "#/version invalid_version", "#/fields required"}},
		{"POST", path + "/restore", `{"version":-9223372036854775808,"fields":["email","status","email"],"reason":"x"}`,
			[]string{"#/version invalid_version", "#/fields/1 unknown_field", "#/fields/2 repeated"}},
		{"POST", path + "/restore", `{"version":2,"fields":["email"],"reason":"x"}`, []string{"#/version no_such_version"}},
		{"POST", path + "/restore", `{"version":9223372036854775807,"fields":["email"],"reason":"x"}`, []string{"#/version no_such_version"}},
		{"POST", path + "/restore", `{"version":1,"fields":[` + strings.Repeat(`"x",`, 10_000) + `"x"],"reason":"x"}`,
			[]string{"#/fields/0 unknown_field", "#/fields/1 unknown_field", "#/fields/2 unknown_field", "#/fields/3 unknown_field", "#/fields/4 unknown_field", "#/fields/5 unknown_field"}},
		{"PUT", path + "/roles/1st", "", []string{"#/role invalid_role"}},
		{"PUT", path + "/roles/" + strings.Repeat("a", 65), "", []string{"#/role invalid_role"}},
		{"DELETE", path + "/roles/a%20b", "", []string{"#/role invalid_role"}},
	} {
		got := s.want(t, 422, "validation_failed", row.method, row.path, row.body).json(t)
		var wrong []string
		for _, e := range got["errors"].([]any) {
			fault := e.(map[string]any)
			wrong = append(wrong, fmt.Sprint(fault["pointer"], " ", fault["code"]))
		}
		if diff := cmp.Diff(row.wrong, wrong); diff != "" {
			t.Errorf("%s %s %.80s (-want +got):\n%s", row.method, row.path, row.body, diff)
		}
	}
	s.wantNewest(t, path, 1, "UserCreated")
}

// Longest values that keep the rules.
func TestLongestValues(t *testing.T) {
	s := boot(t)
	body := fmt.Sprintf(`{"email":"ada@example.com","displayName":"%s","firstName":"%s","lastName":""}`, strings.Repeat("é", 200), strings.Repeat("😀", 100))
	path := s.want(t, 201, "", "POST", "/v1/users", body).Header.Get("Location")
	s.want(t, 200, "", "PUT", path+"/roles/"+strings.Repeat("a", 64), "")
	s.want(t, 200, "", "POST", path+"/suspend", `{"reason":"`+strings.Repeat("é", 500)+`"}`)
}

func TestTooManyRoles(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	for i := range 100 {
		s.want(t, 200, "", "PUT", fmt.Sprintf("%s/roles/r%d", path, i), "")
	}
	s.want(t, 409, "too_many_roles", "PUT", path+"/roles/one-more", "")
	s.want(t, 200, "", "PUT", path+"/roles/r7", "")
}

func TestAddressIsFreedAtOnce(t *testing.T) {
	s := boot(t)
	ada, grace := s.create(t, "ada@example.com"), s.create(t, "grace@example.com")
	s.want(t, 409, "email_taken", "PUT", grace+"/email", `{"email":"ADA@example.com"}`)
	s.want(t, 200, "", "PUT", ada+"/email", `{"email":"countess@example.com"}`)
	s.want(t, 200, "", "PUT", grace+"/email", `{"email":"ada@example.com"}`)
	s.want(t, 200, "", "DELETE", grace, "")
	s.want(t, 200, "", "PUT", ada+"/email", `{"email":"ada@example.com"}`)
}
