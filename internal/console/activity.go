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
func (w watch) newer(after int64) string { return w.page("/activity/newer", "after", after) }

// further is the address of what was up to a position.
func (w watch) further(through int64) string { return w.page("/activity", "through", through) }

func (w watch) page(path, name string, position int64) string {
	q := map[string]string{name: strconv.FormatInt(position, 10), "type": w.Type, "user": w.User, "correlation": w.Correlation, "actor": w.Actor}
	return Prefix + path + "?" + given(q).Encode()
}

type activity struct {
	Watch   watch
	Types   []string
	Events  []feedEvent // newest first
	Newer   string      // empty: what is shown is older than the newest
	From    int64       // the position that was looked at first
	Further string      // what is before it; empty: nothing
	Problem *problem
}

// Types that can be looked for: those of users, and those of other domains.
var types = []string{"UserCreated", "UserEmailChanged", "UserProfileChanged", "UserSuspended", "UserReactivated", "RoleGranted", "RoleRevoked", "UserDeleted",
	"PostCreated", "PostDeleted", "UserFollowed", "UserUnfollowed"}

func showActivity(v *visit) (view, error) {
	shown, err := v.activity(watchOf(v.URL.Query()))
	if shown.Problem = faulty(err); err != nil && shown.Problem == nil {
		return view{}, err
	}
	return view{"activity", "Activity", shown}, nil
}

func (v *visit) activity(w watch) (activity, error) {
	shown := activity{Watch: w, Types: types}
	through, err := strconv.ParseInt(v.URL.Query().Get("through"), 10, 64)
	if err != nil { // not the older ones
		if through, err = v.head(); err != nil {
			return shown, err
		}
		shown.Newer = w.newer(through)
	}
	shown.Events, shown.From, err = v.latest(w, through)
	if shown.From > 1 {
		shown.Further = w.further(shown.From - 1)
	}
	return shown, err
}

const (
	eventsShown    = 50
	feedLimit      = 200
	longestStretch = 200_000 // events, so that nobody waits for the whole log
)

// head is the position that the log has reached.
func (v *visit) head() (int64, error) {
	var now feedPage
	_, err := v.get("/v1/events", url.Values{"since": {time.Now().UTC().Format(time.RFC3339Nano)}, "limit": {"1"}}, &now)
	return now.Next, err
}

// latest looks for the newest events up to a position, newest first, in longer and longer stretches. It has looked at all from a
// position on.
func (v *visit) latest(w watch, through int64) (events []feedEvent, from int64, err error) {
	for stretch := int64(feedLimit); ; stretch *= 10 {
		begin := max(0, through-stretch)
		if events, err = v.stretch(w, begin, through); err != nil {
			return nil, 0, err
		}
		if len(events) == eventsShown {
			return events, position(events[eventsShown-1].Sequence), nil
		}
		if begin == 0 || stretch == longestStretch {
			return events, begin + 1, nil
		}
	}
}

// stretch is the last events of those after a position and up to another.
func (v *visit) stretch(w watch, after, through int64) (events []feedEvent, err error) {
	query := w.query()
	query.Set("limit", strconv.Itoa(feedLimit))
	for after < through {
		query.Set("after", strconv.FormatInt(after, 10))
		var found feedPage
		if _, err := v.get("/v1/events", query, &found); err != nil {
			return nil, err
		}
		if found.Next == after {
			break // the log ends here
		}
		events = append(events, slices.DeleteFunc(found.Data, func(e feedEvent) bool { return position(e.Sequence) > through })...)
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
