package console

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"golang.org/x/sync/errgroup"
)

// moment is what the time machine shows: the user at one of its versions.
type moment struct {
	ID      string
	Version int
	Newest  int
	Gone    bool     // the newest deleted the user
	State   []member // nothing: this version did
	Event   storedEvent
	Changes []change
	Reason  string
}

// member of the user; one that this version changed stands out.
type member struct {
	Name    string
	Value   any
	Changed bool
	Counted bool // of events of other domains, and so no change of this version
}

func showMoment(v *visit) (view, error) {
	id := v.PathValue("id")
	version, err := strconv.Atoi(v.URL.Query().Get("version"))
	if err != nil {
		return view{}, &problem{Status: http.StatusBadRequest, Title: "Not a version", Detail: "A version is a number, from 1."}
	}
	newest, _ := strconv.Atoi(v.URL.Query().Get("newest"))
	m, err := v.moment(id, version, newest)
	m.Gone = v.URL.Query().Has("gone")
	return view{"moment", "", m}, err
}

// moment asks for three things at once, so that the slider moves without delay. What changed is seen by comparing the user with the
// version before, which takes a third of the time of a diff.
func (v *visit) moment(id string, version, newest int) (moment, error) {
	m := moment{ID: id, Version: version, Newest: max(version, newest)}
	var then, before user
	var asking errgroup.Group
	asking.Go(func() (err error) { m.Event, err = v.event(id, version); return err })
	asking.Go(func() (err error) { then, err = v.at(id, version); return err })
	asking.Go(func() (err error) { before, err = v.at(id, version-1); return err })
	if err := asking.Wait(); err != nil {
		return m, err
	}
	m.Reason = reasonOf(m.Event)
	if then.Version > 0 {
		m.State, m.Changes = compared(then, before)
	}
	return m, nil
}

// at is the user at a version; nobody before the first, and after it has been deleted.
func (v *visit) at(id string, version int) (u user, err error) {
	if version == 0 {
		return u, nil
	}
	_, err = v.get(v1("users", id), url.Values{"version": {strconv.Itoa(version)}}, &u)
	if isGone(err) {
		return user{}, nil
	}
	return u, err
}

func (v *visit) event(id string, version int) (storedEvent, error) {
	var events page[storedEvent]
	_, err := v.get(v1("users", id, "events"), url.Values{"after_version": {strconv.Itoa(version - 1)}, "limit": {"1"}}, &events)
	if err == nil && len(events.Data) == 0 {
		err = &problem{Status: http.StatusNotFound, Title: "No such version", Detail: "The user has fewer versions."}
	}
	if err != nil {
		return storedEvent{}, err
	}
	return events.Data[0], nil
}

func isGone(err error) bool {
	p := refusal(err)
	return p != nil && p.Status == http.StatusGone
}

// compared are the members of a user, and those of them that were others in the version before, if there was one.
func compared(then, before user) (state []member, changes []change) {
	state = membersOf(then)
	if before.Version == 0 {
		return state, nil
	}
	for i, was := range membersOf(before) {
		is := &state[i]
		if is.Changed = value(is.Value) != value(was.Value); is.Changed && !is.Counted {
			changes = append(changes, change{is.Name, was.Value, is.Value})
		}
	}
	return state, changes
}

func membersOf(u user) []member {
	return []member{
		{Name: "status", Value: u.Status}, {Name: "suspendedAt", Value: u.SuspendedAt}, {Name: "suspensionReason", Value: u.SuspensionReason},
		{Name: "email", Value: u.Email}, {Name: "displayName", Value: u.DisplayName}, {Name: "firstName", Value: u.FirstName},
		{Name: "lastName", Value: u.LastName}, {Name: "roles", Value: u.Roles},
		{Name: "postCount", Value: u.PostCount, Counted: true}, {Name: "followerCount", Value: u.FollowerCount, Counted: true},
	}
}

func reasonOf(e storedEvent) string {
	var data struct {
		Reason string `json:"reason"`
	}
	_ = json.Unmarshal(e.Data, &data) // without one there is none
	return data.Reason
}
