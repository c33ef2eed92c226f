package httpapi

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/users"
)

const (
	defaultLimit = 50
	maxLimit     = 200
	maxIDs       = 200
	maxWords     = 200 // characters: a name that is as long as can be is found by all of it

	listTimeout = readTimeout // besides the wait for min_position
	defaultWait = time.Second
	maxWait     = 5 * time.Second
)

// listing is what a cursor of a list holds: what selects users, and the moment that the list is about, if it is not now.
type listing struct {
	projections.Query
	AsOf       *time.Time
	AtPosition *int64
	Past       users.Past // found by the first page and kept for the others
}

func (a *api) list(r *request) error {
	l := listing{Query: projections.Query{Order: projections.Order{By: "createdAt"}, Limit: defaultLimit}}
	if err := a.cursors.resume(r, "users", &l, func() error { return l.read(r.query) }); err != nil {
		return err
	}
	var minPosition int64
	var count string
	if err := cmp.Or(
		number(r.query, "limit", &l.Limit, 1, maxLimit),
		number(r.query, "min_position", &minPosition, 0, maxPosition),
		r.query.choice("count", &count, "exact"),
	); err != nil {
		return err
	}
	l.Count = count != ""
	if l.past() {
		return a.listPast(r, l)
	}
	wait := r.wait(minPosition)
	ctx, cancel := within(r.Request, wait+listTimeout)
	defer cancel()
	found, err := a.users.List(ctx, l.Query, minPosition, wait)
	if err != nil {
		return err
	}
	return a.writeList(r, l, found)
}

func (a *api) writeList(r *request, l listing, found projections.Page) error {
	answer := page[user]{Data: make([]user, 0, len(found.Profiles))}
	for _, p := range found.Profiles {
		answer.Data = append(answer.Data, newUser(p.User, p.Activity))
	}
	if l.Count {
		answer.Total = &found.Total
	}
	if l.past() {
		answer.Position = &l.Past.Position
		if !l.Past.AsOf.IsZero() {
			answer.AsOf = (*stamp)(&l.Past.AsOf)
		}
	}
	if found.Next != nil {
		l.After, l.Count = found.Next, false
		cursor, err := a.cursors.seal("users", l)
		if err != nil {
			return err
		}
		answer.follow(r.w, "/v1/users?cursor=", cursor)
	}
	showProjection(r.w.Header(), found)
	return writeJSON(r.w, http.StatusOK, answer)
}

func showProjection(h http.Header, p projections.Page) {
	h.Set("X-Projection-Position", strconv.FormatInt(p.Position, 10))
	if p.Parked > 0 {
		h.Set("X-Projection-Parked", strconv.FormatInt(p.Parked, 10))
	}
}

// read reads what selects and sorts users, and the moment.
func (l *listing) read(q query) error {
	return cmp.Or(l.readMoment(q), readFilters(q, &l.Query))
}

// readFilters reads what selects and sorts users.
func readFilters(q query, into *projections.Query) error {
	return cmp.Or(
		q.address(&into.Address),
		q.ids(&into.IDs),
		q.choice("status", (*string)(&into.Status), string(domain.Active), string(domain.Suspended), string(domain.Deleted)),
		q.role(&into.Role),
		q.words(&into.Words),
		q.instant("created_after", &into.CreatedAfter),
		q.instant("created_before", &into.CreatedBefore),
		q.order(&into.Order),
	)
}

func (q query) address(canonical *string) error {
	s, given := q["email"]
	if !given {
		return nil
	}
	email, err := domain.ParseEmail(s)
	if err != nil {
		return invalidParameter("email", "must be an e-mail address.")
	}
	*canonical = email.Canonical()
	return nil
}

func (q query) ids(ids *[]uuid.UUID) error {
	s, given := q["id"]
	if !given {
		return nil
	}
	all := strings.Split(s, ",")
	if len(all) > maxIDs {
		return invalidParameter("id", "must be at most "+strconv.Itoa(maxIDs)+" ids.")
	}
	*ids = make([]uuid.UUID, len(all))
	for i, one := range all {
		var err error
		if (*ids)[i], err = parseID("id", one); err != nil {
			return err
		}
	}
	return nil
}

func (q query) role(role *string) error {
	s, given := q["role"]
	if !given {
		return nil
	}
	parsed, err := domain.ParseRole(s)
	if err != nil {
		return invalidParameter("role", "must be the name of a role.")
	}
	*role = string(parsed)
	return nil
}

func (q query) words(words *string) error {
	s, given := q["q"]
	if !given {
		return nil
	}
	if strings.TrimSpace(s) == "" || utf8.RuneCountInString(s) > maxWords || strings.ContainsFunc(s, unicode.IsControl) {
		return invalidParameter("q", "must be 1 to "+strconv.Itoa(maxWords)+" characters, and no control characters.")
	}
	*words = s
	return nil
}

func (q query) order(order *projections.Order) error {
	var sort string
	err := q.choice("sort", &sort, "createdAt", "email", "displayName", "updatedAt",
		"-createdAt", "-email", "-displayName", "-updatedAt")
	if sort != "" {
		order.By, order.Desc = strings.CutPrefix(sort, "-")
	}
	return err
}

// wait is how long the list may be held back for min_position, as the caller prefers. A preference
// that makes no sense is passed over (RFC 7240 §2).
func (r *request) wait(minPosition int64) time.Duration {
	if minPosition == 0 {
		return 0
	}
	for preference := range strings.SplitSeq(strings.Join(r.Header["Prefer"], ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(preference), "=")
		seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
		if strings.EqualFold(name, "wait") && err == nil {
			wait := min(time.Duration(seconds)*time.Second, maxWait)
			r.w.Header().Set("Preference-Applied", "wait="+strconv.Itoa(int(wait/time.Second)))
			return wait
		}
	}
	return defaultWait
}
