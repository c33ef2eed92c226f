package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/usersvc/usersvc/internal/users"
)

// An answer about the past is kept for a day without asking again. It would be good for ever, but the copies of a person
// who is to be forgotten should not be.
const pastCaching = "private, max-age=86400"

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
	ctx, cancel := context.WithTimeout(r.Context(), wait+listTimeout)
	defer cancel()
	if _, resumed := r.query["cursor"]; !resumed {
		if l.Past, err = a.users.Past(ctx, l.point()); err != nil {
			return err
		}
	}
	found, err := a.users.ListAt(ctx, l.Query, l.Past, wait)
	if err != nil {
		return err
	}
	h := r.w.Header()
	if l.Past.Position > 0 {
		h.Set("Memento-Datetime", l.Past.RecordedAt.UTC().Format(http.TimeFormat))
	}
	if found.Parked > 0 { // it is not final
		return a.writeList(r, l, found)
	}
	tag := `"` + strconv.FormatInt(l.Past.Position, 10) + `"`
	h.Set("ETag", "W/"+tag) // weak, because the answer may be compressed
	h.Set("Cache-Control", pastCaching)
	if known(tag) {
		r.w.WriteHeader(http.StatusNotModified)
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
