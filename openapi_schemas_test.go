package usersvc_test

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// accepts goes by JSON Schema 2020-12, as the HTTP tests do with a body and
// Validate with an example.
func accepts(schema *openapi3.Schema, value any) error {
	return schema.VisitJSON(value, openapi3.EnableJSONSchema2020(), openapi3.MultiErrors())
}

// A schema that accepts everything would pass every other test. In each row
// the members are put into an example; nil takes the member away.
func TestSchemasRefuseWhatBreaksTheContract(t *testing.T) {
	type members = map[string]any
	for _, row := range []struct {
		name, schema, example string
		change                members
		fits                  bool
	}{
		{"user as it is", "User", "adaWithRole", nil, true},
		{"user of the past", "User", "adaWithRole", members{"asOf": "2026-11-22T10:06:00.000000Z"}, true},
		{"suspended user", "User", "adaSuspended", nil, true},
		{"member missing", "User", "adaWithRole", members{"suspendedAt": nil}, false},
		{"member unknown", "User", "adaWithRole", members{"nickname": "Ada"}, false},
		{"number as text", "User", "adaWithRole", members{"version": "3"}, false},
		{"version zero", "User", "adaWithRole", members{"version": 0.0}, false},
		{"fraction of an event", "User", "adaWithRole", members{"version": 1.5}, false},
		{"counter below zero", "User", "adaWithRole", members{"postCount": -1.0}, false},
		{"milliseconds", "User", "adaWithRole", members{"createdAt": "2026-11-22T10:00:00.000Z"}, false},
		{"nanoseconds", "User", "adaWithRole", members{"createdAt": "2026-11-22T10:00:00.000000000Z"}, false},
		{"time with offset", "User", "adaWithRole", members{"updatedAt": "2026-11-22T12:00:00.000000+02:00"}, false},
		{"month 13", "User", "adaWithRole", members{"updatedAt": "2026-13-22T12:00:00.000000Z"}, false},
		{"no time at all", "User", "adaSuspended", members{"suspendedAt": "yesterday"}, false},
		{"id in capitals", "User", "adaWithRole", members{"id": "01A202B2-C500-7C3E-9A41-5D2F8B6E1A07"}, false},
		{"no roles but null", "User", "adaWithRole", members{"roles": []any{nil}}, false},
		{"role twice", "User", "adaWithRole", members{"roles": []any{"admin", "admin"}}, false},
		{"role with a blank", "User", "adaWithRole", members{"roles": []any{"an admin"}}, false},
		{"status unknown", "User", "adaWithRole", members{"status": "erased"}, false},
		{"problem", "Problem", "validation_failed", nil, true},
		{"code unknown", "Problem", "internal", members{"code": "oops"}, false},
		{"absolute type", "Problem", "internal", members{"type": "http://127.0.0.1:8080/problems/internal"}, false},
		{"problem with a stack", "Problem", "internal", members{"stack": "main.go:1"}, false},
		{"pointer without #", "Problem", "validation_failed", members{"errors": []any{members{
			"pointer": "/email", "code": "required", "detail": "email must not be empty."}}}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			components := document(t).Components
			value := maps.Clone(components.Examples[row.example].Value.Value.(members))
			for member, v := range row.change {
				if value[member] = v; v == nil {
					delete(value, member)
				}
			}
			if err := accepts(components.Schemas[row.schema].Value, value); (err == nil) != row.fits {
				t.Errorf("fits: %t, want %t: %v", err == nil, row.fits, err)
			}
		})
	}
}

func TestSchemasTakeTheseValues(t *testing.T) {
	for _, row := range []struct {
		schema, value string
		fits          bool
	}{
		{"CreateUser", `{"email":"ada@example.com","displayName":"Ada"}`, true},
		{"CreateUser", `{"email":"ada@example.com","firstName":"Ada","lastName":""}`, true},
		{"CreateUser", `{"email":"ada@example.com"}`, false},
		{"CreateUser", `{"email":"ada@example.com","firstName":"Ada"}`, false},
		{"CreateUser", `{"email":"ada@localhost","displayName":"Ada"}`, false},
		{"CreateUser", `{"email":"\"a b\"@example.com","displayName":"Ada"}`, false},
		{"CreateUser", `{"Email":"ada@example.com","displayName":"Ada"}`, false},
		{"PatchUser", `{"firstName":null}`, true},
		{"PatchUser", `{"displayName":null}`, false},
		{"PatchUser", `{"email":"ada@example.com"}`, false},
		{"SuspendUser", `{"reason":""}`, false},
		{"RestoreUser", `{"version":1,"fields":["email","roles"],"reason":"Oops"}`, true},
		{"RestoreUser", `{"version":1,"fields":["email"]}`, false},
		{"RestoreUser", `{"version":0,"fields":["email"],"reason":"Oops"}`, false},
		{"RestoreUser", `{"version":1,"fields":[],"reason":"Oops"}`, false},
		{"RestoreUser", `{"version":1,"fields":["email","email"],"reason":"Oops"}`, false},
		{"RestoreUser", `{"version":1,"fields":["status"],"reason":"Oops"}`, false},
		{"Moment", `"2026-11-22T10:00:00+01:00"`, true},
		{"Moment", `"3"`, true},
		{"Moment", `"position:57"`, true},
		{"Moment", `"yesterday"`, false},
		{"Moment", `3`, false},
		{"DryRun", `{"dryRun":false,"events":[],"user":{}}`, false},
		{"Nothing", `{}`, true},
		{"Nothing", `{"reason":"none"}`, false},
		{"Change", `{"field":"roles","from":[],"to":["admin"]}`, true},
		{"Change", `{"field":"suspendedAt","from":null,"to":"2026-11-22T10:09:00.250000Z"}`, true},
		{"Change", `{"field":"version","from":"1","to":"2"}`, false},
		{"Change", `{"field":"roles","from":[1],"to":[]}`, false},
		{"Readiness", `{"status":"unavailable","database":"unreachable","schema":{"current":null,"latest":1},"warnings":[]}`, true},
		{"Readiness", `{"status":"ready","database":"ok","schema":{"current":1,"latest":1},"warnings":null}`, false},
		{"Liveness", `{"status":"fine"}`, false},
	} {
		t.Run(row.schema+" "+row.value, func(t *testing.T) {
			var value any
			if err := json.Unmarshal([]byte(row.value), &value); err != nil {
				t.Fatal(err)
			}
			if err := accepts(document(t).Components.Schemas[row.schema].Value, value); (err == nil) != row.fits {
				t.Errorf("fits: %t, want %t: %v", err == nil, row.fits, err)
			}
		})
	}
}

// An event's type decides which data it may have.
func TestEventsRefuseTheDataOfOthers(t *testing.T) {
	const envelope = `{"id":"01a202b7-58e0-7c44-91ab-d05e6f7382c9","userId":"01a202b2-c500-7c3e-9a41-5d2f8b6e1a07",
		"version":3,"position":57,"recordedAt":"2026-11-22T10:05:00.000000Z","schemaVersion":1,
		"metadata":{"actor":"anonymous","source":"api","correlationId":"01a202b7-58e0-7ad3-8c15-9e7b3f20d6a4"}}`
	for _, row := range []struct {
		more string
		fits bool
	}{
		{`{"type":"RoleGranted","data":{"role":"admin"}}`, true},
		{`{"type":"UserReactivated","data":{}}`, true},
		{`{"type":"UserDeleted","data":{}}`, true},
		{`{"type":"RoleGranted","data":{"reason":"none"}}`, false},
		{`{"type":"RoleGranted","data":{"role":"admin"},"streamType":"user"}`, false},
		{`{"type":"RoleGranted","data":{"role":"admin"},"schemaVersion":2}`, false},
		{`{"type":"RoleGranted","data":{"role":"admin"},"metadata":{"actor":"anonymous"}}`, false},
		{`{"type":"UserCreated","data":{"email":"ada@example.com","name":"Ada Lovelace"}}`, false},
		{`{"type":"UserProfileChanged","data":{}}`, false},
		{`{"type":"UserRenamed","data":{}}`, false},
	} {
		t.Run(row.more, func(t *testing.T) {
			var event map[string]any
			for _, part := range []string{envelope, row.more} {
				if err := json.Unmarshal([]byte(part), &event); err != nil {
					t.Fatal(err)
				}
			}
			if err := accepts(document(t).Components.Schemas["Event"].Value, event); (err == nil) != row.fits {
				t.Errorf("fits: %t, want %t: %v", err == nil, row.fits, err)
			}
		})
	}
}
