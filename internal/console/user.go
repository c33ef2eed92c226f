package console

import (
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
	p.Moment.Gone = p.Gone
	if !p.Gone {
		p.Forms = formsFor(p.User)
	}
	return p, nil
}

// newest is the user as it is, or as it was before it was deleted.
func (v *visit) newest(id string) (u user, gone bool, err error) {
	_, err = v.get(v1("users", id), nil, &u)
	if !isGone(err) {
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
	if shown.Problem = refusal(err); shown.Problem == nil {
		shown.Diff = &d
		return view{"diff", "", shown}, err
	}
	return view{"diff", "", shown}, nil
}
