package console

import (
	"net/http"
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
	return given(map[string]string{"types": w.Type, "user_id": w.User, "correlation_id": w.Correlation, "actor": w.Actor})
}

// newer is the address of what comes after a position.
func (w watch) newer(after int64) string {
	q := map[string]string{"after": strconv.FormatInt(after, 10), "type": w.Type, "user": w.User, "correlation": w.Correlation, "actor": w.Actor}
	return Prefix + "/activity/newer?" + given(q).Encode()
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
	eventsShown    = 50
	feedLimit      = 200
	longestStretch = 200_000 // events, so that nobody waits for the whole log
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
		if events, err = v.stretch(w, begin, head); err != nil || len(events) >= eventsShown || begin == 0 || stretch == longestStretch {
			return events, head, err
		}
	}
}

// stretch is the last events of those after a position and up to another.
func (v *visit) stretch(w watch, after, head int64) (events []feedEvent, err error) {
	query := w.query()
	query.Set("limit", strconv.Itoa(feedLimit))
	for after < head {
		query.Set("after", strconv.FormatInt(after, 10))
		var found feedPage
		if _, err := v.get("/v1/events", query, &found); err != nil {
			return nil, err
		}
		if found.Next == after {
			break // the log ends here
		}
		events = append(events, found.Data...)
		events = events[max(0, len(events)-eventsShown):]
		after = found.Next
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
		if p := refusal(err); p != nil && p.Status < http.StatusInternalServerError {
			return view{}, err
		}
		return view{"again", "", v.URL.String()}, nil
	}
	slices.Reverse(found.Data)
	return view{"newer", "", newer{found.Data, w.newer(found.Next)}}, nil
}
