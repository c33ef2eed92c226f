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
	State   []member // nothing: this version deleted the user
	Event   storedEvent
	Changes []change
	Reason  string
	Restore []string // fields that differ from now, and could be brought back
}

// member of the user; one that this version changed stands out.
type member struct {
	Name    string
	Value   any
	Changed bool
}

func showMoment(v *visit) (view, error) {
	id := v.PathValue("id")
	version, err := strconv.Atoi(v.URL.Query().Get("version"))
	if err != nil {
		return view{}, &problem{Status: http.StatusBadRequest, Title: "Not a version", Detail: "A version is a number, from 1."}
	}
	newest, _ := strconv.Atoi(v.URL.Query().Get("newest"))
	m, err := v.moment(id, version, newest)
	return view{"moment", "", m}, err
}

// moment asks for three things at once, so that the slider moves without delay.
func (v *visit) moment(id string, version, newest int) (moment, error) {
	m := moment{ID: id, Version: version, Newest: max(version, newest)}
	var then user
	var asking errgroup.Group
	asking.Go(func() (err error) { m.Event, err = v.event(id, version); return err })
	asking.Go(func() (err error) { m.Changes, err = v.changes(id, version); return err })
	asking.Go(func() error {
		_, err := v.get(v1("users", id), url.Values{"version": {strconv.Itoa(version)}}, &then)
		if isGone(err) { // by this version
			return nil
		}
		return err
	})
	if err := asking.Wait(); err != nil {
		return m, err
	}
	m.Reason = reasonOf(m.Event)
	if then.Version > 0 {
		m.State = membersOf(then, m.Changes)
	}
	return m, nil
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

// changes are those of one version; the first has none, as there was nothing before.
func (v *visit) changes(id string, version int) (all []change, err error) {
	if version == 1 {
		return nil, nil
	}
	var d diff
	_, err = v.get(v1("users", id, "diff"), url.Values{"from": {strconv.Itoa(version - 1)}, "to": {strconv.Itoa(version)}}, &d)
	for _, c := range d.Changes {
		all = append(all, c.change)
	}
	return all, err
}

func isGone(err error) bool {
	p := refusal(err)
	return p != nil && p.Status == http.StatusGone
}

func membersOf(u user, changes []change) []member {
	changed := map[string]bool{}
	for _, c := range changes {
		changed[c.Field] = true
	}
	all := []member{
		{Name: "status", Value: u.Status}, {Name: "email", Value: u.Email}, {Name: "displayName", Value: u.DisplayName},
		{Name: "firstName", Value: u.FirstName}, {Name: "lastName", Value: u.LastName}, {Name: "roles", Value: u.Roles},
		{Name: "postCount", Value: u.PostCount}, {Name: "followerCount", Value: u.FollowerCount},
	}
	if u.SuspendedAt != nil {
		all = append(all, member{Name: "suspendedAt", Value: u.SuspendedAt}, member{Name: "suspensionReason", Value: u.SuspensionReason})
	}
	for i := range all {
		all[i].Changed = changed[all[i].Name]
	}
	return all
}

func reasonOf(e storedEvent) string {
	var data struct {
		Reason string `json:"reason"`
	}
	_ = json.Unmarshal(e.Data, &data) // without one there is none
	return data.Reason
}
