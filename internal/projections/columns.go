package projections

import (
	"strings"
	"time"
)

// columns are profiles as a statement with unnest takes them: an array for each column.
type columns struct {
	ids                               [][16]byte // uuid.UUID itself would be encoded by way of its text
	versions                          []int
	positions                         []int64
	created, updated                  []time.Time
	suspended                         []*time.Time
	status, email, emailKey, display  []string
	first, last, reason, roles, words []string
}

// add wants a profile with its terms.
func (c *columns) add(p Profile) {
	u := p.User
	c.ids, c.versions, c.positions = append(c.ids, u.ID), append(c.versions, u.Version), append(c.positions, p.Position)
	c.created, c.updated = append(c.created, u.CreatedAt), append(c.updated, u.UpdatedAt)
	c.suspended = append(c.suspended, nullable(u.SuspendedAt))
	c.status, c.email, c.emailKey = append(c.status, string(u.Status)), append(c.email, u.Email), append(c.emailKey, p.found.address)
	c.display, c.first, c.last = append(c.display, u.DisplayName), append(c.first, u.FirstName), append(c.last, u.LastName)
	c.reason = append(c.reason, u.SuspensionReason)
	c.roles = append(c.roles, "{"+strings.Join(u.Roles, ",")+"}") // a role needs no quoting, see domain.ParseRole
	c.words = append(c.words, quoteAll(p.found.words))
}

func (c *columns) args() []any {
	return []any{
		c.ids, c.versions, c.positions, c.created, c.updated, c.suspended, c.status,
		c.email, c.emailKey, c.display, c.first, c.last, c.reason, c.roles, c.words,
	}
}

func nullable(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
