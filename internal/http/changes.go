package httpapi

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/users"
)

// span is what a cursor of the changes holds: what was asked for, and where that is.
type span struct {
	From   users.Point
	To     *users.Point // nil: the newest position when the first page was read
	Fields []string
	Order  string
	Limit  int
	Window users.Window
	After  *projections.After
}

type changed struct {
	ID         uuid.UUID      `json:"id"`
	From       *end           `json:"from"`
	To         end            `json:"to"`
	EventCount int            `json:"eventCount"`
	Changes    []changedField `json:"changes"`
}

type changedField struct {
	change
	Events []historyEntry `json:"events"`
}

// moment is one of the two between which users differ.
type moment struct {
	AsOf     *stamp `json:"asOf"`
	Position int64  `json:"position"`
}

type changesPage struct {
	From moment `json:"from"`
	To   moment `json:"to"`
	page[changed]
}

func (a *api) changes(r *request) error {
	s := span{Order: "desc", Limit: defaultLimit}
	err := a.cursors.resume(r, "changes", &s, func() error { return s.read(r.query) })
	if err := cmp.Or(err, number(r.query, "limit", &s.Limit, 1, maxLimit)); err != nil {
		return err
	}
	known, err := noneMatch(r.Header)
	if err != nil {
		return err
	}
	wait := r.wait(1)
	ctx, cancel := within(r.Request, wait+listTimeout)
	defer cancel()
	if _, resumed := r.query["cursor"]; !resumed {
		if s.Window, err = a.users.Window(ctx, s.From, s.To); err != nil {
			return err
		}
	}
	found, err := a.users.Differing(ctx, s.Window, users.Selection{Fields: s.Fields, Desc: s.Order == "desc", After: s.After, Limit: s.Limit}, wait)
	if err != nil {
		return err
	}
	settled := found.Parked == 0 && s.To != nil
	if settled && r.final(fmt.Sprint(s.Window.From.Position, "-", s.Window.To.Position), known) {
		return nil
	}
	return a.writeChanges(r, s, found)
}

func (a *api) writeChanges(r *request, s span, found users.Differing) error {
	answer := changesPage{From: newMoment(s.Window.From), To: newMoment(s.Window.To), page: page[changed]{Data: make([]changed, 0, len(found.Diffs))}}
	for _, d := range found.Diffs {
		answer.Data = append(answer.Data, newChanged(d))
	}
	if s.After = found.Next; found.Next != nil {
		cursor, err := a.cursors.seal("changes", s)
		if err != nil {
			return err
		}
		answer.follow(r.w, "/v1/changes?cursor=", cursor)
	}
	showProjection(r.w.Header(), found.Page)
	return writeJSON(r.w, http.StatusOK, answer)
}

func newChanged(d users.Diff) changed {
	shown := changed{ID: d.To.User.ID, To: newEnd(d.To), EventCount: d.To.User.Version - d.From.User.Version}
	if d.From.User.Version > 0 {
		shown.From = new(end)
		*shown.From = newEnd(d.From)
	}
	for _, m := range d.Members {
		field := changedField{change: newChange(m.Change), Events: make([]historyEntry, 0, len(m.Events))}
		for _, e := range m.Events {
			field.Events = append(field.Events, newHistoryEntry(e))
		}
		shown.Changes = append(shown.Changes, field)
	}
	return shown
}

func newMoment(p users.Past) moment {
	m := moment{Position: p.Position}
	if !p.AsOf.IsZero() {
		m.AsOf = (*stamp)(&p.AsOf)
	}
	return m
}

func (s *span) read(q query) error {
	_, from := q["from"]
	_, resumed := q["cursor"]
	if !from && !resumed {
		return invalidParameter("from", "is required.")
	}
	if _, given := q["to"]; given {
		s.To = new(users.Point)
	}
	return cmp.Or(q.moment("from", &s.From), q.moment("to", s.To), q.fields(&s.Fields), q.choice("order", &s.Order, "asc", "desc"))
}

// moment reads a point that means the same for all users.
func (q query) moment(name string, p *users.Point) error {
	if err := q.point(name, p); err != nil {
		return err
	}
	if p != nil && p.Version > 0 {
		return invalidParameter(name, "must be a time as in RFC 3339, or position:57. A version is one user's.")
	}
	return nil
}

func (q query) fields(fields *[]string) error {
	s, given := q["fields"]
	if !given {
		return nil
	}
	all := users.Fields()
	*fields = strings.Split(s, ",")
	for _, f := range *fields {
		if !slices.Contains(all, f) {
			return invalidParameter("fields", "must be some of "+strings.Join(all, ", ")+".")
		}
	}
	return nil
}
