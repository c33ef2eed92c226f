package console

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// commands are those on one user, as calls of the API.
var commands = map[string]func(*visit, string) call{
	"email": func(v *visit, id string) call {
		return call{method: http.MethodPut, path: v1("users", id, "email"), body: v.members("email")}
	},
	"profile": func(v *visit, id string) call {
		c := call{method: http.MethodPatch, path: v1("users", id), body: v.changed("displayName", "firstName", "lastName"), header: http.Header{}}
		c.header.Set("Content-Type", "application/merge-patch+json")
		return c
	},
	"suspend": func(v *visit, id string) call {
		return call{method: http.MethodPost, path: v1("users", id, "suspend"), body: v.members("reason")}
	},
	"reactivate": func(_ *visit, id string) call {
		return call{method: http.MethodPost, path: v1("users", id, "reactivate")}
	},
	"grant": func(v *visit, id string) call {
		return call{method: http.MethodPut, path: v1("users", id, "roles", v.FormValue("role"))}
	},
	"revoke": func(v *visit, id string) call {
		return call{method: http.MethodDelete, path: v1("users", id, "roles", v.FormValue("role"))}
	},
	"delete": func(v *visit, id string) call {
		c := call{method: http.MethodDelete, path: v1("users", id), query: url.Values{}}
		if reason := strings.TrimSpace(v.FormValue("reason")); reason != "" {
			c.query.Set("reason", reason)
		}
		return c
	},
	"restore": func(v *visit, id string) call {
		version, _ := strconv.Atoi(v.FormValue("version"))
		return call{method: http.MethodPost, path: v1("users", id, "restore"), body: map[string]any{
			"version": version, "fields": v.Form["fields"], "reason": v.FormValue("reason")}}
	},
}

// members of a body, of what was put into the form.
func (v *visit) members(names ...string) map[string]string {
	body := map[string]string{}
	for _, name := range names {
		body[name] = v.FormValue(name)
	}
	return body
}

// changed are the members that somebody has put something else into.
func (v *visit) changed(names ...string) map[string]string {
	return v.members(slices.DeleteFunc(names, func(name string) bool { return !v.put(name) })...)
}

// carryOut sends a command. The page is that of the user after it, or the same with what was refused.
func carryOut(v *visit) (view, error) {
	id, name := v.PathValue("id"), v.PathValue("command")
	command, ok := commands[name]
	if err := v.ParseForm(); err != nil || !ok {
		return showNothing(v)
	}
	if v.Form.Has("preview") {
		return preview(v, id)
	}
	_, err := v.send(guarded(v, command(v, id)), nil)
	refused, err := declined(err)
	if err != nil {
		return view{}, err
	}
	p, err := v.userPage(id)
	if err != nil {
		return unread(err, outcome{Path: Prefix + "/users/" + id, Notice: "The command was carried out.",
			Refused: refused, Form: v.sentForm(id, name, refused)}), nil
	}
	if refused != nil {
		p.refuse(v, name, refused)
	} else {
		p.Notice = fmt.Sprintf("Done. This is version %d.", p.User.Version)
	}
	return view{"user", p.User.DisplayName, p}, nil
}

// guarded adds what keeps a command from happening twice, or to a user that has changed meanwhile.
func guarded(v *visit, c call) call {
	if c.header == nil {
		c.header = http.Header{}
	}
	if etag := v.FormValue("etag"); etag != "" {
		c.header.Set("If-Match", etag)
	}
	if key := v.FormValue("key"); key != "" {
		c.header.Set("Idempotency-Key", key)
	}
	return c
}

// refuse shows why, at the form that was sent, or above all of them if the user has no such form any more.
func (p *userPage) refuse(v *visit, name string, why *problem) {
	for i := range p.Forms {
		if p.Forms[i].Name == name {
			p.Forms[i].answer(v, why)
			return
		}
	}
	p.Refused = why
}

// preview asks what a restore would record, and offers to do it.
func preview(v *visit, id string) (view, error) {
	c := commands["restore"](v, id)
	c.query = url.Values{"dry_run": {"true"}}
	shown := restorePreview{ID: id, Version: v.FormValue("version"), Fields: v.Form["fields"], Reason: v.FormValue("reason"), ETag: v.FormValue("etag"), Key: v.FormValue("key")}
	_, err := v.send(c, &shown.Would)
	shown.Problem, err = declined(err)
	return view{"restore", "", shown}, err
}

type restorePreview struct {
	ID, Version, Reason, ETag, Key string
	Fields                         []string
	Would                          dryRun
	Problem                        *problem
}

func showNewUser(*visit) (view, error) { return view{"new-user", "New user", newUserForm()}, nil }

func createUser(v *visit) (view, error) {
	body := map[string]string{}
	for _, name := range []string{"email", "displayName", "firstName", "lastName"} {
		if value := v.FormValue(name); value != "" || name == "email" {
			body[name] = value
		}
	}
	var made user
	_, err := v.send(guarded(v, call{method: http.MethodPost, path: v1("users"), body: body}), &made)
	refused, err := declined(err)
	if err != nil {
		return view{}, err
	}
	if refused != nil {
		f := newUserForm()
		f.answer(v, refused)
		return view{"new-user", "New user", f}, nil
	}
	v.movedTo = Prefix + "/users/" + made.ID
	p, err := v.userPage(made.ID)
	if err != nil {
		return unread(err, outcome{Path: v.movedTo, Notice: "The user was created."}), nil
	}
	p.Notice = "Created."
	return view{"user", p.User.DisplayName, p}, nil
}
