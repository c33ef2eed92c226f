package httpapi

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/users"
)

type diff struct {
	ID      uuid.UUID    `json:"id"`
	From    end          `json:"from"`
	To      end          `json:"to"`
	Changes []difference `json:"changes"`
}

// end is the newest event of the user at one of the two moments.
type end struct {
	Version    int   `json:"version"`
	Position   int64 `json:"position"`
	RecordedAt stamp `json:"recordedAt"`
}

type difference struct {
	change
	EventCount int            `json:"eventCount"`
	Events     []historyEntry `json:"events"`
}

func (a *api) diff(r *request) error {
	var from, to users.Point
	if _, given := r.query["from"]; !given {
		return invalidParameter("from", "is required.")
	}
	if err := cmp.Or(r.query.point("from", &from), r.query.point("to", &to)); err != nil {
		return err
	}
	if from == (users.Point{}) {
		return users.ErrNotYetExisting // at position 0 there was nobody
	}
	_, bounded := r.query["to"]
	if bounded && to == (users.Point{}) {
		return users.ErrBackwards
	}
	known, err := noneMatch(r.Header)
	if err != nil {
		return err
	}
	ctx, cancel := within(r.Request, readTimeout)
	defer cancel()
	found, err := a.users.Diff(ctx, r.id, from, to)
	if err != nil {
		return err
	}
	if bounded && r.final(fmt.Sprint(found.From.Position, "-", found.To.Position), known) {
		return nil
	}
	return writeJSON(r.w, http.StatusOK, newDiff(found))
}

func newDiff(d users.Diff) diff {
	shown := diff{ID: d.To.User.ID, From: newEnd(d.From), To: newEnd(d.To)}
	for _, m := range d.Members {
		s := difference{change: newChange(m.Change), EventCount: m.Count}
		for _, e := range m.Events {
			s.Events = append(s.Events, newHistoryEntry(e))
		}
		shown.Changes = append(shown.Changes, s)
	}
	return shown
}

func newEnd(v users.View) end { return end{v.User.Version, v.Position, stamp(v.User.UpdatedAt)} }

var digits = regexp.MustCompile(`^\d+$`)

// point reads a moment in any of its forms: an instant, a version, or a position.
func (q query) point(name string, p *users.Point) error {
	s, given := q[name]
	position, isPosition := strings.CutPrefix(s, "position:")
	switch {
	case !given:
		return nil
	case isPosition:
		return number(query{name: position}, name, &p.Position, 0, maxPosition)
	case digits.MatchString(s):
		return number(q, name, &p.Version, 1, maxVersion)
	case strings.Contains(s, "T"):
		return q.instant(name, &p.Time)
	}
	return invalidParameter(name, "must be a time as in RFC 3339, a version such as 3, or position:57.")
}
