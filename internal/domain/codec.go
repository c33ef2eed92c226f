package domain

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
)

// UnknownEvent is the error for an event that this build has no schema for:
// a newer build wrote it. The user cannot be folded without it.
type UnknownEvent struct {
	Type   string
	Schema int
}

func (e *UnknownEvent) Error() string {
	return fmt.Sprintf("event %q with schema version %d is not known to this build", e.Type, e.Schema)
}

// Encode returns the type of an event, the newest schema version of that type
// and the JSON object to store. Text that is not UTF-8 is an error.
func Encode(e Event) (typ string, schema int, data []byte, err error) {
	payload, schema := newestPayload(e)
	if payload == nil {
		return "", 0, nil, fmt.Errorf("encode event %T: it is not in the catalogue", e)
	}
	data, err = json.Marshal(payload)
	if err != nil {
		return "", 0, nil, fmt.Errorf("encode %s: %w", e.Type(), err)
	}
	return e.Type(), schema, data, nil
}

// Decode reads a stored event of any schema version and brings it up to the
// newest. What it does not know is an *UnknownEvent. A member of the wrong
// type is an error, and so is an event without the member that it is about.
// Other members are ignored, also those that differ in letter case alone: a newer
// build may have added one, and would have raised the schema version if it changed
// what the others mean.
func Decode(typ string, schema int, data []byte) (Event, error) {
	id := schemaID{typ, schema}
	s, known := schemas[id]
	if !known {
		return nil, &UnknownEvent{Type: typ, Schema: schema}
	}
	payload, err := s.read(data)
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", id, err)
	}
	for s.upcast != nil {
		payload = s.upcast(payload)
		schema++
		s = schemas[schemaID{typ, schema}]
	}
	e := s.event(payload)
	if member, value := essential(e); member != "" && value == "" {
		return nil, fmt.Errorf("decode %s: %s is missing", id, member)
	}
	return e, nil
}

// Upcast brings a stored event of any schema version to the newest one of its
// type. Errors are those of Decode.
func Upcast(typ string, schema int, data []byte) (newestType string, newestSchema int, newest []byte, err error) {
	e, err := Decode(typ, schema, data)
	if err != nil {
		return "", 0, nil, err
	}
	return Encode(e)
}

// essential returns the member without which an event would say nothing.
func essential(e Event) (member, value string) {
	switch e := e.(type) {
	case UserCreated:
		return "email", e.Email
	case UserEmailChanged:
		return "newEmail", e.NewEmail
	case UserSuspended:
		return "reason", e.Reason
	case RoleGranted:
		return "role", e.Role
	case RoleRevoked:
		return "role", e.Role
	}
	return "", ""
}

var errNoObject = errors.New("the data is not a JSON object")

func unmarshal[Payload any](data []byte) (any, error) {
	var p Payload
	// To Unmarshal, null is an empty object.
	if !bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		return nil, errNoObject
	}
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, err
	}
	return p, nil
}
