package console

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// watch is what of the feed is shown.
type watch struct {
	Type, User, Correlation, Actor string
}

func watchOf(q url.Values) watch {
	return watch{q.Get("type"), strings.TrimSpace(q.Get("user")), strings.TrimSpace(q.Get("correlation")), strings.TrimSpace(q.Get("actor"))}
}

func (w watch) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"types": w.Type, "user_id": w.User, "correlation_id": w.Correlation, "actor": w.Actor} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// newer is the address of what comes after a position.
func (w watch) newer(after int64) string {
	q := url.Values{"after": {strconv.FormatInt(after, 10)}}
	for name, value := range map[string]string{"type": w.Type, "user": w.User, "correlation": w.Correlation, "actor": w.Actor} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return Prefix + "/activity/newer?" + q.Encode()
}

type activity struct {
	Watch   watch
	Types   []string
	Events  []feedEvent // newest first
	Newer   string
	Problem *problem
}

// Types that can be looked for: those of users, and those of other domains.
var types = []string{"UserCreated", "UserEmailChanged", "UserProfileChanged", "UserSuspended", "UserReactivated", "RoleGranted", "RoleRevoked", "UserDeleted",
	"PostCreated", "PostDeleted", "UserFollowed", "UserUnfollowed"}

func showActivity(v *visit) (view, error) {
	w := watchOf(v.URL.Query())
	shown := activity{Watch: w, Types: types}
	events, next, err := v.latest(w)
	if shown.Problem = faulty(err); err != nil && shown.Problem == nil {
		return view{}, err
	}
	shown.Events, shown.Newer = events, w.newer(next)
	return view{"activity", "Activity", shown}, nil
}

const (
	eventsShown = 50
	feedLimit   = 200
	pagesLooked = 20 // at most, of a stretch of the log
)

// latest looks for the newest events, newest first, in longer and longer stretches at the end of the log.
func (v *visit) latest(w watch) (events []feedEvent, head int64, err error) {
	var now feedPage
	if _, err := v.get("/v1/events", url.Values{"since": {time.Now().UTC().Format(time.RFC3339Nano)}, "limit": {"1"}}, &now); err != nil {
		return nil, 0, err
	}
	head = now.Next
	for stretch := int64(feedLimit); ; stretch *= 10 {
		begin := max(0, head-stretch)
		if events, err = v.stretch(w, begin, head); err != nil || len(events) >= eventsShown || begin == 0 {
			return events, head, err
		}
	}
}

// stretch is the last events of those after a position and up to another.
func (v *visit) stretch(w watch, after, head int64) (events []feedEvent, err error) {
	query := w.query()
	query.Set("limit", strconv.Itoa(feedLimit))
	for range pagesLooked {
		query.Set("after", strconv.FormatInt(after, 10))
		var found feedPage
		if _, err := v.get("/v1/events", query, &found); err != nil {
			return nil, err
		}
		events = append(events, found.Data...)
		events = events[max(0, len(events)-eventsShown):]
		if after = found.Next; after >= head {
			break
		}
	}
	slices.Reverse(events)
	return events, nil
}

// newerWait is shorter than a server lets an answer take.
const newerWait = "15"

type newer struct {
	Events []feedEvent
	Newer  string
}

// showNewer waits for what happens next.
func showNewer(v *visit) (view, error) {
	w := watchOf(v.URL.Query())
	query := w.query()
	query.Set("after", v.URL.Query().Get("after"))
	query.Set("wait", newerWait)
	var found feedPage
	if _, err := v.get("/v1/events", query, &found); err != nil {
		return view{}, err
	}
	slices.Reverse(found.Data)
	return view{"newer", "", newer{found.Data, w.newer(found.Next)}}, nil
}

// chain is what one request led to.
type chain struct {
	Correlation string
	Links       []chainLink
	Visible     int64 // the position that lists have reached
	More        bool
}

// chainLink is an event, under the one that caused it.
type chainLink struct {
	feedEvent
	Depth int
	After time.Duration // the first one
}

func (l chainLink) Position() int64 { return position(l.Sequence) }

func showChain(v *visit) (view, error) {
	shown := chain{Correlation: v.PathValue("correlation")}
	var found feedPage
	if _, err := v.get("/v1/events", url.Values{"correlation_id": {shown.Correlation}, "limit": {strconv.Itoa(feedLimit)}}, &found); err != nil {
		return view{}, err
	}
	shown.Links, shown.More = linked(found.Data), len(found.Data) == feedLimit
	header, err := v.get("/v1/users", url.Values{"limit": {"1"}}, nil)
	if err == nil {
		shown.Visible, _ = strconv.ParseInt(header.Get("X-Projection-Position"), 10, 64)
	}
	return view{"chain", "Chain", shown}, nil
}

// linked puts each event under its cause. An event is caused by an older one, or by something that is not in the chain.
func linked(events []feedEvent) (links []chainLink) {
	caused := map[string][]feedEvent{}
	known := map[string]bool{}
	for _, e := range events {
		known[e.ID] = true
	}
	for _, e := range events {
		cause := e.CausationID
		if !known[cause] || cause == e.ID {
			cause = ""
		}
		caused[cause] = append(caused[cause], e)
	}
	var follow func(cause string, depth int)
	follow = func(cause string, depth int) {
		for _, e := range caused[cause] {
			links = append(links, chainLink{e, depth, e.Time.Sub(events[0].Time)})
			follow(e.ID, depth+1)
		}
	}
	follow("", 0)
	return links
}
