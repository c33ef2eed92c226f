package console

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

// userPage is one user: as it is, its time machine, and what can be done.
type userPage struct {
	User    user
	Gone    bool // deleted: there is a history, and nothing to be done
	Moment  moment
	Forms   []form
	Notice  string   // what has just been done
	Refused *problem // what has not, if there is no form to say it at
	History []historyEntry
	More    bool // of the history
}

func showUser(v *visit) (view, error) {
	p, err := v.userPage(v.PathValue("id"))
	if err != nil {
		return view{}, err
	}
	return view{"user", p.User.DisplayName, p}, nil
}

const historyShown = 20

func (v *visit) userPage(id string) (p userPage, err error) {
	p.User, p.Gone, err = v.newest(id)
	if err != nil {
		return p, err
	}
	var history page[historyEntry]
	if _, err := v.get(v1("users", id, "history"), url.Values{"limit": {strconv.Itoa(historyShown)}}, &history); err != nil {
		return p, err
	}
	p.History, p.More = history.Data, history.NextCursor != nil
	if p.Gone && len(p.History) > 0 { // what deleted it is its newest version
		p.User.Version = p.History[0].Version
	}
	version, err := v.versionAsked(id, p.User.Version)
	if err != nil {
		return p, err
	}
	if p.Moment, err = v.moment(id, version, p.User.Version); err != nil {
		return p, err
	}
	if !p.Gone {
		p.Forms = formsFor(p.User)
	}
	return p, nil
}

// newest is the user as it is, or as it was before it was deleted.
func (v *visit) newest(id string) (u user, gone bool, err error) {
	_, err = v.get(v1("users", id), nil, &u)
	if p, ok := err.(*problem); !ok || p.Status != http.StatusGone { //nolint:errorlint // it is never wrapped
		return u, false, err
	}
	var history page[historyEntry]
	if _, err := v.get(v1("users", id, "history"), url.Values{"limit": {"1"}}, &history); err != nil {
		return u, true, err
	}
	before := strconv.Itoa(history.Data[0].Version - 1)
	_, err = v.get(v1("users", id), url.Values{"version": {before}}, &u)
	u.Status = "deleted"
	return u, true, err
}

// versionAsked is where the time machine begins: at a version, at a moment, or at the newest.
func (v *visit) versionAsked(id string, newest int) (int, error) {
	q := v.URL.Query()
	if version, err := strconv.Atoi(q.Get("version")); err == nil && version >= 1 && version <= newest {
		return version, nil
	}
	if q.Get("at") == "" {
		return newest, nil
	}
	var then user
	_, err := v.get(v1("users", id), url.Values{"as_of": {instant(q.Get("at"))}}, &then)
	if p := faulty(err); p != nil {
		return 0, p
	}
	if err != nil { // it was not there yet, or no more
		return newest, nil //nolint:nilerr // the time machine says when it was
	}
	return then.Version, nil
}

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

func (v *visit) moment(id string, version, newest int) (m moment, err error) {
	m = moment{ID: id, Version: version, Newest: max(version, newest)}
	var events page[storedEvent]
	query := url.Values{"after_version": {strconv.Itoa(version - 1)}, "limit": {"1"}}
	if _, err := v.get(v1("users", id, "events"), query, &events); err != nil {
		return m, err
	}
	if len(events.Data) == 0 {
		return m, &problem{Status: http.StatusNotFound, Title: "No such version", Detail: "The user has fewer versions."}
	}
	m.Event = events.Data[0]
	m.Reason = reasonOf(m.Event)
	if m.Event.Type == "UserDeleted" {
		return m, nil
	}
	var then user
	if _, err := v.get(v1("users", id), url.Values{"version": {strconv.Itoa(version)}}, &then); err != nil {
		return m, err
	}
	if version > 1 {
		var d diff
		if _, err := v.get(v1("users", id, "diff"), url.Values{"from": {strconv.Itoa(version - 1)}, "to": {strconv.Itoa(version)}}, &d); err != nil {
			return m, err
		}
		for _, c := range d.Changes {
			m.Changes = append(m.Changes, c.change)
		}
	}
	m.State = membersOf(then, m.Changes)
	return m, nil
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

// difference between two moments of a user.
type userDiff struct {
	ID, From, To string
	Diff         *diff
	Problem      *problem
}

func showDiff(v *visit) (view, error) {
	q := v.URL.Query()
	shown := userDiff{ID: v.PathValue("id"), From: q.Get("from"), To: q.Get("to")}
	query := url.Values{"from": {instant(shown.From)}}
	if shown.To != "" {
		query.Set("to", instant(shown.To))
	}
	var d diff
	_, err := v.get(v1("users", shown.ID, "diff"), query, &d)
	if shown.Problem, _ = err.(*problem); shown.Problem == nil { //nolint:errorlint // it is never wrapped
		shown.Diff = &d
		return view{"diff", "", shown}, err
	}
	return view{"diff", "", shown}, nil
}

func reasonOf(e storedEvent) string {
	var data struct {
		Reason string `json:"reason"`
	}
	_ = json.Unmarshal(e.Data, &data) // without one there is none
	return data.Reason
}
