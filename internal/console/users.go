package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// filters are those of the list, as the form has them and the address of the page.
type filters struct {
	Q, Status, Role, Sort, At string // At is a moment in UTC, or empty: now
}

func filtersOf(q url.Values) filters {
	return filters{strings.TrimSpace(q.Get("q")), q.Get("status"), strings.TrimSpace(q.Get("role")), q.Get("sort"), q.Get("at")}
}

// query is what the API is asked.
func (f filters) query() url.Values {
	return given(map[string]string{"q": f.Q, "status": f.Status, "role": f.Role, "sort": f.Sort, "as_of": instant(f.At)})
}

// page is the address of this list, with a change.
func (f filters) page(name, value string) string {
	all := map[string]string{"q": f.Q, "status": f.Status, "role": f.Role, "sort": f.Sort, "at": f.At}
	all[name] = value
	return Prefix + "/users?" + given(all).Encode()
}

// given is a query of what is not empty.
func given(all map[string]string) url.Values {
	q := url.Values{}
	for name, value := range all {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// instant is the moment of a form, 2026-03-01T12:00 or with seconds, as the API takes it. Anything else is left to the API to refuse.
func instant(at string) string {
	switch len(at) {
	case len("2026-03-01T12:00"):
		return at + ":00Z"
	case len("2026-03-01T12:00:00"):
		return at + "Z"
	}
	return at
}

const formMoment = "2006-01-02T15:04:05"

// moments are what people ask for most.
func (f filters) moments() []link {
	now := time.Now().UTC()
	midnight := now.Truncate(24 * time.Hour)
	all := []link{{Name: "Now", Path: f.page("at", ""), Current: f.At == ""}}
	for _, m := range []struct {
		name string
		at   time.Time
	}{
		{"Yesterday", midnight.Add(-time.Second)},
		{"A week ago", now.AddDate(0, 0, -7)}, {"A month ago", now.AddDate(0, -1, 0)}, {"Half a year ago", now.AddDate(0, -6, 0)},
	} {
		all = append(all, link{Name: m.name, Path: f.page("at", m.at.Format(formMoment))})
	}
	return all
}

type link struct {
	Name, Path string
	Current    bool
}

// column is one that the list can be sorted by.
type column struct {
	Name, Path, Sorted string // Sorted is as in aria-sort
}

func (f filters) columns() []column {
	var all []column
	for _, c := range []struct{ name, key string }{{"Name", "displayName"}, {"E-mail", "email"}, {"Created", "createdAt"}, {"Changed", "updatedAt"}} {
		col := column{c.name, f.page("sort", c.key), "none"}
		switch {
		case f.Sort == c.key || f.Sort == "" && c.key == "createdAt":
			col.Path, col.Sorted = f.page("sort", "-"+c.key), "ascending"
		case f.Sort == "-"+c.key:
			col.Sorted = "descending"
		}
		all = append(all, col)
	}
	return all
}

type userList struct {
	Filters filters
	Moments []link
	Columns []column
	Users   []user
	AsOf    *time.Time
	Query   string // what a user's page is asked for, to stay at the moment
	Next    string // the next page; empty: there is none
	First   string // the first page, from one that is not
	Parked  int    // users who wait behind an event that could not be handled
	Problem *problem
}

// showUsers is the list, at any moment.
func showUsers(v *visit) (view, error) {
	f := filtersOf(v.URL.Query())
	shown := userList{Filters: f, Moments: f.moments(), Columns: f.columns()}
	if f.At != "" {
		shown.Query = "?at=" + url.QueryEscape(f.At)
	}
	query := f.query()
	if cursor := v.URL.Query().Get("cursor"); cursor != "" {
		query.Set("cursor", cursor)
		shown.First = f.page("cursor", "")
	}
	var found page[user]
	header, err := v.get("/v1/users", query, &found)
	if err != nil {
		if shown.Problem = faulty(err); shown.Problem == nil {
			return view{}, err
		}
	}
	shown.Users, shown.AsOf = found.Data, found.AsOf
	shown.Parked, _ = strconv.Atoi(header.Get("X-Projection-Parked"))
	if found.NextCursor != nil {
		shown.Next = f.page("cursor", *found.NextCursor)
	}
	if v.Header.Get("HX-Target") == "found" { // the form stays as it is, as somebody is typing
		return view{"found", "Users", shown}, nil
	}
	return view{"users", "Users", shown}, nil
}

// refusal is what the API said no with, or nil.
func refusal(err error) *problem {
	p := new(problem)
	if errors.As(err, &p) {
		return p
	}
	return nil
}

// faulty is a refusal of what was put into a form, which is shown beside it.
func faulty(err error) *problem {
	p := refusal(err)
	if p == nil || !slices.Contains([]int{http.StatusBadRequest, http.StatusConflict, http.StatusPreconditionFailed, http.StatusUnprocessableEntity}, p.Status) {
		return nil
	}
	return p
}
