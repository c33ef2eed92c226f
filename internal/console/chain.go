package console

import (
	"net/url"
	"strconv"
	"time"
)

// chain is what one request led to.
type chain struct {
	Correlation string
	Links       []chainLink
	Visible     int64 // the position that lists have reached
	From, To    int64 // the positions between which it was looked for
}

// chainLink is an event, under the one that caused it.
type chainLink struct {
	feedEvent
	Depth int
	After time.Duration // the first one
}

func (l chainLink) Position() int64 { return position(l.Sequence) }

// What one request leads to happens within so many events, as a rule: behind the one that it is looked for from, and a few before it.
const chainBefore, chainBehind = 10_000, 50_000

func showChain(v *visit) (view, error) {
	near, _ := strconv.ParseInt(v.URL.Query().Get("near"), 10, 64)
	shown := chain{Correlation: v.PathValue("correlation"), From: max(0, near-chainBefore), To: near + chainBehind}
	events, err := v.correlated(shown.Correlation, shown.From, shown.To)
	if err != nil {
		return view{}, err
	}
	shown.Links = linked(events)
	header, err := v.get("/v1/users", url.Values{"limit": {"1"}}, nil)
	if err == nil {
		shown.Visible, _ = strconv.ParseInt(header.Get("X-Projection-Position"), 10, 64)
	}
	return view{"chain", "Chain", shown}, nil
}

func (v *visit) correlated(id string, after, through int64) (events []feedEvent, err error) {
	query := url.Values{"correlation_id": {id}, "limit": {strconv.Itoa(feedLimit)}}
	for after < through && len(events) < longestChain {
		query.Set("after", strconv.FormatInt(after, 10))
		var found feedPage
		if _, err := v.get("/v1/events", query, &found); err != nil {
			return nil, err
		}
		if found.Next == after {
			break
		}
		events, after = append(events, found.Data...), found.Next
	}
	return events, nil
}

// An import can have given thousands of events one correlation.
const longestChain = 1000

// linked puts each event under its cause, the newest older event of that id: other domains give their events whatever ids they
// like, one of them twice or in a circle. What was caused by something else is at depth 0.
func linked(events []feedEvent) (links []chainLink) {
	const nothing = -1
	caused := map[int][]int{} // by the place of the cause
	newest := map[string]int{}
	for i, e := range events {
		cause, known := newest[e.CausationID]
		if !known {
			cause = nothing
		}
		caused[cause] = append(caused[cause], i)
		newest[e.ID] = i
	}
	var follow func(cause, depth int)
	follow = func(cause, depth int) {
		for _, i := range caused[cause] {
			links = append(links, chainLink{events[i], depth, events[i].Time.Sub(events[0].Time)})
			follow(i, depth+1)
		}
	}
	follow(nothing, 0)
	return links
}
