package projections

import (
	"strconv"
	"strings"

	"github.com/usersvc/usersvc/internal/domain"
)

// byCreation is the order that never changes.
const byCreation = "createdAt"

// orders maps what a list can be sorted by to the indexed column, and the type of its values.
var orders = map[string]struct{ name, typ string }{
	byCreation:    {"p.created_at", "timestamptz"},
	"updatedAt":   {"p.updated_at", "timestamptz"},
	"email":       {"p.email_key", "text"},
	"displayName": {"p.display_name", "text"},
}

// statement writes the query of a page, for PostgreSQL to find a way: any, or among all who have the words, who are found first.
func (q Query) statement(byWords bool) (sql string, args []any) {
	var c conditions
	q.filter(&c)
	total, from := "0", "derived.user_profiles p"
	if q.Count {
		total = "(SELECT count(*) FROM derived.user_profiles p WHERE " + c.String() + ")"
	}
	if byWords { // OFFSET keeps the order of the list from being looked at before
		from = "(SELECT * FROM derived.user_profiles p WHERE " + c.String() + " OFFSET 0) p"
		c.terms = []string{"true"}
	}
	return q.pageOf(from, "p.user_id", orders[q.Order.By].name, total, c)
}

// statementByRole writes the query of a page in the order of creation, which looks at those who ever had the role.
func (q Query) statementByRole() (sql string, args []any) {
	var c conditions
	q.plain(&c)
	q.seen(&c)
	c.add("h.role = ?", q.Role)
	q.creation(&c, "h.created_at")
	q.Limit = inSteps(q.Limit)
	const holders = `derived.role_holders h CROSS JOIN LATERAL (SELECT * FROM derived.user_profiles WHERE user_id = h.user_id LIMIT 1) p`
	return q.pageOf(holders, "h.user_id", "h.created_at", "0", c)
}

// pageOf is one row more than the limit, which tells that there is a next page. The checkpoint comes from the same
// snapshot, on each row, or on one of its own if there is none.
func (q Query) pageOf(from, id, place, total string, c conditions) (sql string, args []any) {
	direction, beyond := "ASC", ">"
	if q.Order.Desc {
		direction, beyond = "DESC", "<"
	}
	if q.After != nil {
		c.add("("+place+", "+id+") "+beyond+" (?::text::"+orders[q.Order.By].typ+", ?)", q.After.Value, q.After.ID)
	}
	by := func(place, id string) string { return place + " " + direction + ", " + id + " " + direction }
	return `
SELECT s.checkpoint, s.parked, ` + total + `, p.place::text, ` + profileColumns + `
FROM ` + standing + `
LEFT JOIN LATERAL (
  SELECT p.*, ` + place + ` AS place FROM ` + from + `
  WHERE ` + c.String() + `
  ORDER BY ` + by(place, id) + ` LIMIT ` + strconv.Itoa(q.Limit+1) + `
) p ON true
ORDER BY ` + by("p.place", "p.user_id"), c.args
}

func (q Query) filter(c *conditions) {
	q.plain(c)
	q.described(c)
}

// literal is how a status is written in a statement. A plan that is kept has to know it: there is an index of the few users who
// are not active.
var literal = map[domain.Status]string{domain.Active: "'active'", domain.Suspended: "'suspended'", domain.Deleted: "'deleted'"}

// plain is what is asked of columns that an order may have.
func (q Query) plain(c *conditions) {
	switch {
	case q.Status != "":
		c.add("p.status = " + literal[q.Status])
	case q.Since == nil:
		c.add("p.status <> ?", string(domain.Deleted))
	}
	if q.Since != nil {
		c.add("p.position > ?", q.Since.Position)
		c.add("p.updated_at >= ?", q.Since.RecordedAt) // which follows, and has an index
	}
	if q.Address != "" {
		c.add("p.email_key = ?", q.Address)
	}
	if q.IDs != nil {
		c.add("p.user_id = ANY (?)", q.IDs)
	}
	q.creation(c, "p.created_at")
}

// creation is what is asked of the time of creation, by the name of its column.
func (q Query) creation(c *conditions, column string) {
	if !q.CreatedAfter.IsZero() {
		c.add(column+" > ?", q.CreatedAfter)
	}
	if !q.CreatedBefore.IsZero() {
		c.add(column+" < ?", q.CreatedBefore)
	}
}

// described is what the index of words and roles is asked.
func (q Query) described(c *conditions) {
	if q.Role != "" {
		c.add("p.roles @> ARRAY[?::text]", q.Role)
	}
	q.wordsToday(c)
}

// wordsToday is what the index of words is asked: all of them.
func (q Query) wordsToday(c *conditions) {
	if q.Words != "" {
		c.add("p.search @@ ?::text::tsquery", prefixes(q.Words))
	}
}

// wordsLost is what the index of lost words is asked: any of them.
func (q Query) wordsLost(c *conditions) {
	c.add("p.lost_words IS NOT NULL") // as the index has it
	c.add("p.lost_words @@ ?::text::tsquery", anyPrefix(q.Words))
}

// seen is described for rows that are read anyway, in words that no index offers itself for.
func (q Query) seen(c *conditions) {
	if q.Role != "" {
		c.add("?::text = ANY (p.roles)", q.Role)
	}
	if q.Words != "" {
		c.add("COALESCE(p.search, '') @@ ?::text::tsquery", prefixes(q.Words))
	}
}

// conditions are SQL terms joined by AND, their arguments numbered as they come.
type conditions struct {
	terms []string
	args  []any
}

func (c *conditions) add(term string, args ...any) {
	for _, value := range args {
		term = strings.Replace(term, "?", c.arg(value), 1)
	}
	c.terms = append(c.terms, term)
}

func (c *conditions) arg(value any) string {
	c.args = append(c.args, value)
	return "$" + strconv.Itoa(len(c.args))
}

func (c *conditions) String() string { return strings.Join(c.terms, " AND ") }
