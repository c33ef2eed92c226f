package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/usersvc/usersvc/internal/users"
)

// A read about one user that takes longer is given up: the answer is there within two seconds.
const readTimeout = 1800 * time.Millisecond

// A user may be kept, but must be asked for again each time: that is what the ETag is for.
const userCaching = "private, no-cache"

func (a *api) user(r *request) error {
	point, past, err := pointOf(r.query)
	if err != nil {
		return err
	}
	known, err := noneMatch(r.Header)
	if err != nil {
		return err
	}
	ctx, cancel := within(r.Request, readTimeout)
	defer cancel()
	if past {
		return a.pastUser(ctx, r, point, known)
	}
	current, err := a.users.Get(ctx, r.id)
	if err != nil {
		return err
	}
	r.w.Header().Set("X-Projection-Position", strconv.FormatInt(current.ProjectionPosition, 10))
	return writeUser(r.w, current.View, newUser(current.User, current.Activity), known, userCaching)
}

func (a *api) pastUser(ctx context.Context, r *request, p users.Point, known func(string) bool) error {
	moment, err := a.users.At(ctx, r.id, p)
	if err != nil {
		return err
	}
	shown := newUser(moment.User, moment.Activity)
	shown.AsOf = (*stamp)(&moment.AsOf)
	h := r.w.Header()
	h.Set("Memento-Datetime", moment.Newest.UTC().Format(http.TimeFormat))
	h.Set("Link", `</v1/users/`+r.id.String()+`>; rel="original", </v1/users/`+r.id.String()+`/history>; rel="timemap"`)
	return writeUser(r.w, moment.View, shown, known, pastCaching)
}

// writeUser answers with a user, unless the caller has just that.
func writeUser(w http.ResponseWriter, v users.View, shown user, known func(string) bool, caching string) error {
	tag := etag(v)
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", caching)
	if known(tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return writeJSON(w, http.StatusOK, shown)
}

// pointOf reads the moment in the past that is asked about, if any.
func pointOf(q query) (p users.Point, past bool, err error) {
	asked := 0
	for _, name := range []string{"as_of", "version", "at_position"} {
		if _, given := q[name]; given {
			asked++
		}
	}
	if asked > 1 {
		return p, false, &problem{code: "invalid_parameter", detail: "as_of, version and at_position exclude each other."}
	}
	if err := q.instant("as_of", &p.Time); err != nil {
		return p, false, err
	}
	if err := number(q, "version", &p.Version, 1, maxVersion); err != nil {
		return p, false, err
	}
	if err := number(q, "at_position", &p.Position, 0, maxPosition); err != nil {
		return p, false, err
	}
	if asked == 1 && p == (users.Point{}) {
		return p, false, users.ErrNotYetExisting // at position 0 there was nobody
	}
	return p, asked == 1, nil
}

// What the log has room for.
const (
	maxVersion  = 1<<31 - 1
	maxPosition = int64(1<<63 - 1)
)
