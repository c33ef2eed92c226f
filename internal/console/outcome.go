package console

import (
	"net/http"
	"strconv"
	"strings"
)

// outcome is what came of a command, when the page that would show it cannot be read.
type outcome struct {
	Path    string   // of that page
	Unread  string   // why
	Notice  string   // what was done
	Refused *problem // what was not
	Form    *form    // that it was sent with, to be sent again
}

// unread keeps that a page cannot be read from hiding what was done, or may have been.
func unread(err error, o outcome) view {
	title := "Done"
	if o.Refused != nil {
		title, o.Notice = o.Refused.Title, ""
	}
	o.Unread = err.Error()
	if p := refusal(err); p != nil {
		o.Unread = p.Title
	}
	return view{"outcome", title, o}
}

// declined is what a command was refused with, which is shown where it was sent from. Whom the API does not know is asked for a token.
func declined(err error) (*problem, error) {
	p := refusal(err)
	if p == nil || p.Status == http.StatusUnauthorized {
		return nil, err
	}
	return p, nil
}

// sentForm is the form of a command as it was sent, without the user that it would be filled from; nil: there is none.
func (v *visit) sentForm(id, name string, refused *problem) *form {
	u := user{ID: id, Version: v.sentVersion(), Status: "active", Roles: []string{v.FormValue("role")},
		DisplayName: v.FormValue(was + "displayName"), FirstName: v.FormValue(was + "firstName"), LastName: v.FormValue(was + "lastName")}
	if name == "reactivate" {
		u.Status = "suspended"
	}
	for _, f := range formsFor(u) {
		if f.Name == name && refused != nil {
			f.answer(v, refused)
			return &f
		}
	}
	return nil
}

// sentVersion is that of the user on the page that a form came from; 0: none.
func (v *visit) sentVersion() int {
	version, _ := strconv.Atoi(strings.Trim(v.FormValue("etag"), `"`))
	return version
}
