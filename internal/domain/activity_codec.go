package domain

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
)

// The stored form of activity. As in schemas.go, a struct here is never
// changed once events of it exist. The origin is stored in the payload, so
// that whoever reads the log sees the event under its own name.

type originV1 struct {
	Source string    `json:"source"`
	ID     string    `json:"id"`
	Time   time.Time `json:"time,omitzero"`
}

// postV1 is the payload of PostCreated and PostDeleted.
type postV1 struct {
	originV1
	posted
}

type posted struct {
	AuthorID uuid.UUID `json:"authorId"`
}

// followV1 is the payload of UserFollowed and UserUnfollowed.
type followV1 struct {
	originV1
	followed
}

type followed struct {
	FollowerID     uuid.UUID `json:"followerId"`
	FollowedUserID uuid.UUID `json:"followedUserId"`
}

// activitySchema is the one schema version that there is of each event.
const activitySchema = 1

// EncodeActivity returns the type of an event, its schema version and the JSON
// object to store. What DecodeActivity would not read is not written.
func EncodeActivity(o Origin, a Activity) (typ string, schema int, data []byte, err error) {
	payload := activityPayload(originV1(o), a)
	if payload == nil {
		return "", 0, nil, fmt.Errorf("encode activity %T: it is not in the catalogue", a)
	}
	if err := complete(o, a); err != nil {
		return "", 0, nil, fmt.Errorf("encode %s: %w", a.Type(), err)
	}
	data, err = json.Marshal(payload)
	if err != nil {
		return "", 0, nil, fmt.Errorf("encode %s: %w", a.Type(), err)
	}
	return a.Type(), activitySchema, data, nil
}

func activityPayload(o originV1, a Activity) any {
	switch a := a.(type) {
	case PostCreated:
		return postV1{o, posted(a)}
	case PostDeleted:
		return postV1{o, posted(a)}
	case UserFollowed:
		return followV1{o, followed(a)}
	case UserUnfollowed:
		return followV1{o, followed(a)}
	}
	return nil
}

// DecodeActivity reads a stored event of another domain. What it does not know
// is an *UnknownEvent; an event that does not say where it is from, or whom it
// is about, is an error. Other members are ignored.
func DecodeActivity(typ string, schema int, data []byte) (Origin, Activity, error) {
	read := activityReaders[typ]
	if read == nil || schema != activitySchema {
		return Origin{}, nil, &UnknownEvent{Type: typ, Schema: schema}
	}
	origin, a, err := read(data)
	if err == nil {
		err = complete(origin, a)
	}
	if err != nil {
		return Origin{}, nil, fmt.Errorf("decode %s v%d: %w", typ, schema, err)
	}
	return origin, a, nil
}

func complete(o Origin, a Activity) error {
	if o.Source == "" || o.ID == "" || a.Subject() == uuid.Nil {
		return errors.New("the source, the id or the user is missing")
	}
	return nil
}

var activityReaders = map[string]func([]byte) (Origin, Activity, error){
	"PostCreated":  reader(func(p postV1) (originV1, Activity) { return p.originV1, PostCreated{p.AuthorID} }),
	"PostDeleted":  reader(func(p postV1) (originV1, Activity) { return p.originV1, PostDeleted{p.AuthorID} }),
	"UserFollowed": reader(func(p followV1) (originV1, Activity) { return p.originV1, UserFollowed{p.FollowerID, p.FollowedUserID} }),
	"UserUnfollowed": reader(func(p followV1) (originV1, Activity) {
		return p.originV1, UserUnfollowed{p.FollowerID, p.FollowedUserID}
	}),
}

func reader[Payload any](event func(Payload) (originV1, Activity)) func([]byte) (Origin, Activity, error) {
	return func(data []byte) (Origin, Activity, error) {
		payload, err := unmarshal[Payload](data)
		if err != nil {
			return Origin{}, nil, err
		}
		origin, a := event(payload.(Payload))
		return Origin(origin), a, nil
	}
}

// SubjectMembers names, for each type of activity, the member of the stored
// data that holds the user whom the event concerns.
var SubjectMembers = map[string]string{
	"PostCreated": "authorId", "PostDeleted": "authorId",
	"UserFollowed": "followedUserId", "UserUnfollowed": "followedUserId",
}

// ActivityData returns the JSON object that says what happened, as it was
// reported: without the origin.
func ActivityData(a Activity) ([]byte, error) {
	switch a := a.(type) {
	case PostCreated:
		return json.Marshal(posted(a))
	case PostDeleted:
		return json.Marshal(posted(a))
	case UserFollowed:
		return json.Marshal(followed(a))
	case UserUnfollowed:
		return json.Marshal(followed(a))
	}
	return nil, fmt.Errorf("data of activity %T: it is not in the catalogue", a)
}
