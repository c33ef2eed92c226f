package domain

import (
	"fmt"
	"reflect"
)

// schemaID names one schema version of one event type.
type schemaID struct {
	eventType string
	version   int
}

func (id schemaID) String() string { return fmt.Sprintf("%s v%d", id.eventType, id.version) }

func (id schemaID) next() schemaID { return schemaID{id.eventType, id.version + 1} }

// schema reads the payloads of one version. An older version knows the way to
// the next one, the newest the way to the event; never both.
type schema struct {
	read     func([]byte) (any, error)
	upcast   func(any) any
	event    func(any) Event
	from, to reflect.Type // payload read and payload made by upcast
}

func older[From, To any](upcast func(From) To) schema {
	return schema{
		read:   unmarshal[From],
		upcast: func(payload any) any { return upcast(payload.(From)) },
		from:   reflect.TypeFor[From](),
		to:     reflect.TypeFor[To](),
	}
}

func newest[Payload any](event func(Payload) Event) schema {
	return schema{
		read:  unmarshal[Payload],
		event: func(payload any) Event { return event(payload.(Payload)) },
		from:  reflect.TypeFor[Payload](),
	}
}

// CheckUpcasters returns an error unless every schema version from 1 leads,
// step by step, to the newest of its type. Run it at start: Decode relies on
// it.
func CheckUpcasters() error { return checkChains(schemas) }

func checkChains(schemas map[schemaID]schema) error {
	for id, s := range schemas {
		if err := checkStep(schemas, id, s); err != nil {
			return fmt.Errorf("check upcasters: %w", err)
		}
	}
	return nil
}

func checkStep(schemas map[schemaID]schema, id schemaID, s schema) error {
	previous := schemaID{id.eventType, id.version - 1}
	if _, known := schemas[previous]; !known && id.version != 1 {
		return fmt.Errorf("%s is missing before %s", previous, id)
	}
	next, known := schemas[id.next()]
	switch {
	case s.upcast == nil && known:
		return fmt.Errorf("%s has no upcaster to %s", id, id.next())
	case s.upcast != nil && !known:
		return fmt.Errorf("%s is missing after %s", id.next(), id)
	case s.upcast != nil && s.to != next.from:
		return fmt.Errorf("the upcaster of %s makes %s, but %s is %s", id, s.to, id.next(), next.from)
	}
	return nil
}
