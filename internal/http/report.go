package httpapi

import (
	"maps"
	"mime"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/activity"
	"github.com/usersvc/usersvc/internal/domain"
)

// report is an event of another domain as it was sent (CloudEvents 1.0, in its JSON format), and what is
// wrong with it.
type report struct {
	id    *string // nil if it has none that can be
	event activity.Event
	wrong faults

	at      string // where the event is in the body, as a JSON Pointer
	members members
}

// members are those of an object that were not read yet.
type members map[string]jsontext.Value

// take removes a member; null is as good as none.
func (m members) take(name string) (value jsontext.Value, given bool) {
	value, given = m[name]
	delete(m, name)
	return value, given && value.Kind() != 'n'
}

// read takes an event apart.
func (e *report) read(raw jsontext.Value) error {
	if err := json.Unmarshal(raw, &e.members); err != nil || e.members == nil {
		return malformed("An event must be a JSON object.")
	}
	if version := e.text("specversion", true); version != "" && version != "1.0" {
		e.fault("/specversion", "unsupported", "specversion must be 1.0.")
	}
	e.event.Origin = domain.Origin{ID: e.eventID(), Source: e.source(), Time: e.time()}
	e.event.What = e.what()
	e.extensions()
	return nil
}

func (e *report) fault(pointer, code, detail string) {
	e.wrong = append(e.wrong, fault{e.at + pointer, code, detail})
}

// text takes a member that must be a string with something in it.
func (e *report) text(name string, required bool) (s string) {
	value, given := e.members.take(name)
	switch {
	case given && json.Unmarshal(value, &s) != nil:
		e.fault("/"+name, "wrong_type", name+" must be a string.")
	case s == "" && (given || required):
		e.fault("/"+name, "required", name+" must not be empty.")
	}
	return s
}

const (
	maxEventID     = 255  // characters
	maxEventSource = 1024 // bytes
)

func (e *report) eventID() string {
	s := e.text("id", true)
	switch {
	case s == "":
	case utf8.RuneCountInString(s) > maxEventID:
		e.fault("/id", "too_long", "id must have at most "+strconv.Itoa(maxEventID)+" characters.")
	case strings.ContainsFunc(s, unicode.IsControl):
		e.fault("/id", "control_character", "id must not contain control characters.")
	default:
		e.id = &s
	}
	return s
}

// The characters of a URI reference, RFC 3986.
var uriCharacters = regexp.MustCompile(`^([A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+$`)

func (e *report) source() string {
	s := e.text("source", true)
	_, err := url.Parse(s)
	switch {
	case s == "":
	case len(s) > maxEventSource:
		e.fault("/source", "too_long", "source must have at most "+strconv.Itoa(maxEventSource)+" characters.")
	case err != nil || !uriCharacters.MatchString(s):
		e.fault("/source", "invalid_uri", "source must be a URI reference, as in RFC 3986.")
	}
	return s
}

func (e *report) time() time.Time {
	var t time.Time
	if s := e.text("time", false); s != "" {
		if err := (query{"time": s}).instant("time", &t); err != nil {
			e.fault("/time", "invalid_time", "time must be a time as in RFC 3339, such as 2026-11-22T10:00:00Z.")
		}
	}
	return t
}

// facts has a row for each type of event. Where a member is about a user, it asks for that user's id.
var facts = map[string]func(id func(member string) uuid.UUID) domain.Activity{
	"PostCreated": func(id func(string) uuid.UUID) domain.Activity { return domain.PostCreated{AuthorID: id("authorId")} },
	"PostDeleted": func(id func(string) uuid.UUID) domain.Activity { return domain.PostDeleted{AuthorID: id("authorId")} },
	"UserFollowed": func(id func(string) uuid.UUID) domain.Activity {
		return domain.UserFollowed{FollowerID: id("followerId"), FollowedUserID: id("followedUserId")}
	},
	"UserUnfollowed": func(id func(string) uuid.UUID) domain.Activity {
		return domain.UserUnfollowed{FollowerID: id("followerId"), FollowedUserID: id("followedUserId")}
	},
}

// what reads the type and the data of the event.
func (e *report) what() domain.Activity {
	typ, data := e.text("type", true), e.data()
	if typ == "" || data == nil {
		return nil
	}
	fact := facts[typ]
	if fact == nil {
		e.fault("/type", "unsupported", "type must be one of "+strings.Join(slices.Sorted(maps.Keys(facts)), ", ")+".")
		return nil
	}
	what := fact(func(member string) uuid.UUID { return e.userID(data, member) })
	if len(data) > 0 {
		e.fault("/data", "unknown_member", "data has a member that is not one of this type. Letter case counts.")
	}
	return what
}

// data takes the data of the event, nil if it cannot be read.
func (e *report) data() (m members) {
	if s := e.text("datacontenttype", false); s != "" {
		if mediaType, _, err := mime.ParseMediaType(s); err != nil || mediaType != "application/json" {
			e.fault("/datacontenttype", "unsupported", "datacontenttype must be application/json.")
		}
	}
	value, given := e.members.take("data")
	switch {
	case !given:
		e.fault("/data", "required", "data is required.")
	case json.Unmarshal(value, &m) != nil:
		e.fault("/data", "wrong_type", "data must be an object.")
	}
	return m
}

func (e *report) userID(data members, name string) uuid.UUID {
	value, given := data.take(name)
	var s string
	if !given {
		e.fault("/data/"+name, "required", name+" is required.")
		return uuid.Nil
	}
	id, err := uuid.Nil, json.Unmarshal(value, &s)
	if err == nil {
		id, err = parseID(name, s)
	}
	if err != nil || id == uuid.Nil {
		e.fault("/data/"+name, "invalid_id", name+" must be a UUID.")
	}
	return id
}

var extensionName = regexp.MustCompile(`^[a-z0-9]+$`)

// extensions looks at the members that are left: whoever sends them is right to, if they are attributes
// of CloudEvents. Nothing is made of them. One that is none is named; there could be thousands.
func (e *report) extensions() {
	for _, name := range slices.Sorted(maps.Keys(e.members)) {
		if !extensionName.MatchString(name) {
			e.fault("", "unknown_member", "The event has a member that is none of CloudEvents, whose names have lower-case letters and digits alone.")
			return
		}
		if !isAttribute(e.members[name]) {
			e.fault("/"+clipped(name), "wrong_type", "An extension attribute must be a string, a boolean or an integer of 32 bits.")
			return
		}
	}
}

func isAttribute(value jsontext.Value) bool {
	switch value.Kind() {
	case '[', '{':
		return false
	case '0':
		_, err := strconv.ParseInt(string(value), 10, 32)
		return err == nil
	}
	return true
}
