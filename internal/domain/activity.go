package domain

import (
	"time"

	"github.com/google/uuid"
)

// ActivityType is the type of the streams that hold events of other domains,
// one event each.
const ActivityType = "activity"

// Activity is an event of another domain, and concerns one user. The set is
// closed: the events are those in this file. They are no part of the user,
// who is not asked and may not even exist yet; they are counted.
type Activity interface {
	Type() string
	// Subject is the user whom the event concerns.
	Subject() uuid.UUID
	count(*Counters)
}

// Origin is what the domain that an event comes from says of it. Source and
// ID together name the event, for ever.
type Origin struct {
	Source string    // a URI reference
	ID     string    // unique within the source
	Time   time.Time // when it happened, to the microsecond; zero if that is not said
}

// namespace makes the ids of these streams differ from any other UUID that is
// made of a name.
var namespace = uuid.MustParse("6f1c9d0e-52b7-4b6e-9a0d-8f2f7c1d3e54")

// StreamID returns the id of the stream that holds the event: a UUID made of
// its name (version 5 of RFC 9562). A source has no U+0000 in it, so no two
// names run together to the same.
func (o Origin) StreamID() uuid.UUID {
	return uuid.NewSHA1(namespace, []byte(o.Source+"\x00"+o.ID))
}

// elsewhere makes the next ids of these streams differ from all first ones.
var elsewhere = uuid.MustParse("eba96591-aa6e-4aa7-a531-15d89afd714d")

// NextStreamID returns the id of the stream that holds an event when a user has
// the id that it should have: users' ids can be chosen, and those of events
// foreseen. A user may have that one as well; then the next follows from it.
func NextStreamID(taken uuid.UUID) uuid.UUID {
	return uuid.NewSHA1(elsewhere, taken[:])
}

// Counters are what the activity that concerns a user adds up to.
type Counters struct {
	Posts, Followers int
}

// Count returns the counters after an event. Neither falls below zero: who
// takes away what was never reported is not believed.
func (c Counters) Count(a Activity) Counters {
	a.count(&c)
	c.Posts, c.Followers = max(c.Posts, 0), max(c.Followers, 0)
	return c
}

// PostCreated says that a user has published a post.
type PostCreated struct {
	AuthorID uuid.UUID
}

// Type returns "PostCreated".
func (PostCreated) Type() string { return "PostCreated" }

// Subject returns the author.
func (e PostCreated) Subject() uuid.UUID { return e.AuthorID }

func (PostCreated) count(c *Counters) { c.Posts++ }

// PostDeleted says that a post of a user is gone.
type PostDeleted struct {
	AuthorID uuid.UUID
}

// Type returns "PostDeleted".
func (PostDeleted) Type() string { return "PostDeleted" }

// Subject returns the author.
func (e PostDeleted) Subject() uuid.UUID { return e.AuthorID }

func (PostDeleted) count(c *Counters) { c.Posts-- }

// UserFollowed says that one user follows another.
type UserFollowed struct {
	FollowerID, FollowedUserID uuid.UUID
}

// Type returns "UserFollowed".
func (UserFollowed) Type() string { return "UserFollowed" }

// Subject returns the one who is followed.
func (e UserFollowed) Subject() uuid.UUID { return e.FollowedUserID }

func (UserFollowed) count(c *Counters) { c.Followers++ }

// UserUnfollowed says that one user follows another no longer.
type UserUnfollowed struct {
	FollowerID, FollowedUserID uuid.UUID
}

// Type returns "UserUnfollowed".
func (UserUnfollowed) Type() string { return "UserUnfollowed" }

// Subject returns the one who is no longer followed.
func (e UserUnfollowed) Subject() uuid.UUID { return e.FollowedUserID }

func (UserUnfollowed) count(c *Counters) { c.Followers-- }
