package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/feed"
)

const (
	maxFeedWait = 20 // seconds
	maxTypes    = 50
)

// feedQuery is what a consumer of the feed asks for.
type feedQuery struct {
	after  int64
	since  time.Time // zero: not asked for
	filter feed.Filter
	limit  int
	wait   int // seconds
}

// feedPage is a part of the feed. Next is what to send as after, though there was no event.
type feedPage struct {
	Data []cloudEvent `json:"data"`
	Next int64        `json:"next"`
}

// feedEvents answers with a page, or with a stream to those who prefer one.
func (a *api) feedEvents(r *request) error {
	q, err := readFeedQuery(r.query)
	if err != nil {
		return err
	}
	r.w.Header().Add("Vary", "Accept")
	switch r.preferred("application/json", eventStream) {
	case "application/json":
		return a.writeFeedPage(r, q)
	case eventStream:
		return a.writeFeedStream(r, q)
	}
	return &problem{code: "not_acceptable", detail: "The feed comes as application/json or as " + eventStream + "."}
}

func readFeedQuery(from query) (feedQuery, error) {
	q := feedQuery{limit: defaultLimit}
	err := cmp.Or(
		number(from, "after", &q.after, 0, maxPosition),
		from.instant("since", &q.since),
		from.types(&q.filter.Types),
		from.id("user_id", &q.filter.User),
		from.id("correlation_id", &q.filter.CorrelationID),
		from.actor(&q.filter.Actor),
		number(from, "limit", &q.limit, 1, maxLimit),
		number(from, "wait", &q.wait, 0, maxFeedWait),
	)
	if _, given := from["after"]; err == nil && given && !q.since.IsZero() {
		err = invalidParameter("since", "cannot be combined with after.")
	}
	return q, err
}

var eventType = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{0,63}$`)

// types takes names that this build does not know, too: a newer one may have stored such events.
func (q query) types(types *[]string) error {
	s, given := q["types"]
	if !given {
		return nil
	}
	all := strings.Split(s, ",")
	if len(all) > maxTypes {
		return invalidParameter("types", "must be at most "+strconv.Itoa(maxTypes)+" types.")
	}
	for _, one := range all {
		if !eventType.MatchString(one) {
			return invalidParameter("types", "must be types of events with commas between them, such as UserCreated,UserDeleted.")
		}
	}
	*types = all
	return nil
}

func (q query) id(name string, id *uuid.UUID) (err error) {
	s, given := q[name]
	if !given {
		return nil
	}
	if *id, err = parseID(name, s); err == nil && *id == uuid.Nil {
		err = invalidParameter(name, "must not be the nil UUID.") // which means "none" to those who get it
	}
	return err
}

func (q query) actor(actor *string) error {
	s, given := q["actor"]
	if given && !isVisible(s, maxActor) {
		return invalidParameter("actor", "must be 1 to 255 visible ASCII characters.")
	}
	*actor = s
	return nil
}

// beginning is the position that the feed is asked to begin behind.
func (a *api) beginning(ctx context.Context, q feedQuery) (int64, error) {
	if q.since.IsZero() {
		return q.after, nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return a.feed.Since(ctx, q.since)
}

func (a *api) writeFeedPage(r *request, q feedQuery) error {
	after, err := a.beginning(r.Context(), q)
	if err != nil {
		return err
	}
	found, err := a.feed.Page(r.Context(), after, q.filter, q.limit, time.Duration(q.wait)*time.Second)
	if err != nil {
		return err
	}
	answer := feedPage{Data: make([]cloudEvent, 0, len(found.Events)), Next: found.Next}
	for _, e := range found.Events {
		answer.Data = append(answer.Data, newCloudEvent(e))
	}
	return writeJSON(r.w, http.StatusOK, answer)
}
