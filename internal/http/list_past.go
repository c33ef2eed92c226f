package httpapi

import (
	"net/http"
	"strconv"
	"time"

	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/users"
)

func (l *listing) past() bool { return l.AsOf != nil || l.AtPosition != nil }

func (l *listing) readMoment(q query) error {
	_, asOf := q["as_of"]
	_, atPosition := q["at_position"]
	switch {
	case asOf && atPosition:
		return &problem{code: "invalid_parameter", detail: "as_of and at_position exclude each other."}
	case asOf:
		l.AsOf = new(time.Time)
		return q.instant("as_of", l.AsOf)
	case atPosition:
		l.AtPosition = new(int64)
		return number(q, "at_position", l.AtPosition, 0, maxPosition)
	}
	return nil
}

// listPast answers with users as they were.
func (a *api) listPast(r *request, l listing) error {
	if _, given := r.query["min_position"]; given {
		return invalidParameter("min_position", "is for lists of now: one of the past waits until it is complete.")
	}
	known, err := noneMatch(r.Header)
	if err != nil {
		return err
	}
	wait := r.wait(1) // as it would for any position
	ctx, cancel := within(r.Request, wait+listTimeout)
	defer cancel()
	var found projections.Page
	if _, resumed := r.query["cursor"]; resumed {
		found, err = a.users.ListAt(ctx, l.Query, l.Past, wait)
	} else {
		found, l.Past, err = a.users.ListAsOf(ctx, l.Query, l.point(), wait)
	}
	if err != nil {
		return err
	}
	if l.Past.Position > 0 {
		r.w.Header().Set("Memento-Datetime", l.Past.RecordedAt.UTC().Format(http.TimeFormat))
	}
	if found.Parked == 0 && r.final(strconv.FormatInt(l.Past.Position, 10), known) {
		return nil
	}
	return a.writeList(r, l, found)
}

func (l *listing) point() users.Point {
	if l.AsOf != nil {
		return users.Point{Time: *l.AsOf}
	}
	return users.Point{Position: *l.AtPosition}
}
