package projections

import (
	"strconv"
	"strings"

	"github.com/usersvc/usersvc/internal/domain"
)

// orders maps what a list can be sorted by to the indexed column, and the type of its values.
var orders = map[string]struct{ name, typ string }{
	"createdAt":   {"p.created_at", "timestamptz"},
	"updatedAt":   {"p.updated_at", "timestamptz"},
	"email":       {"p.email_key", "text"},
	"displayName": {"p.display_name", "text"},
}

// statement writes the query of a page: one row more than its limit, which tells that there is a next
// one. The checkpoint comes from the same snapshot, on each row, or on one of its own if there is none.
func (q Query) statement() (sql string, args []any) {
	var c conditions
	q.filter(&c)
	where := c.String()
	total := "0"
	if q.Count {
		total = "(SELECT count(*) FROM derived.user_profiles p WHERE " + where + ")"
	}
	column, direction, beyond := orders[q.Order.By], "ASC", ">"
	if q.Order.Desc {
		direction, beyond = "DESC", "<"
	}
	if q.After != nil {
		c.add("("+column.name+", p.user_id) "+beyond+" (?::text::"+column.typ+", ?)", q.After.Value, q.After.ID)
	}
	order := func(place string) string { return place + " " + direction + ", p.user_id " + direction }
	return `
SELECT s.checkpoint, s.parked, ` + total + `, p.place::text, ` + profileColumns + `
FROM ` + standing + `
LEFT JOIN LATERAL (
  SELECT p.*, ` + column.name + ` AS place FROM derived.user_profiles p
  WHERE ` + c.String() + `
  ORDER BY ` + order(column.name) + ` LIMIT ` + strconv.Itoa(q.Limit+1) + `
) p ON true
ORDER BY ` + order("p.place"), c.args
}

func (q Query) filter(c *conditions) {
	q.plain(c)
	q.described(c)
}

// plain is what is asked of columns that an order may have.
func (q Query) plain(c *conditions) {
	switch {
	case q.Status != "":
		c.add("p.status = ?", string(q.Status))
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
	if !q.CreatedAfter.IsZero() {
		c.add("p.created_at > ?", q.CreatedAfter)
	}
	if !q.CreatedBefore.IsZero() {
		c.add("p.created_at < ?", q.CreatedBefore)
	}
}

// described is what the index of words and roles is asked.
func (q Query) described(c *conditions) {
	if q.Role != "" {
		c.add("p.roles @> ARRAY[?::text]", q.Role)
	}
	if q.Words != "" {
		c.add("p.search @@ ?::text::tsquery", prefixes(q.Words))
	}
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

// lost is what the index of lost words and roles is asked: any of them.
func (q Query) lost(c *conditions) {
	c.add("p.lost_words IS NOT NULL") // as the index has it
	switch {
	case q.Words == "":
		c.add("p.lost_roles @> ARRAY[?::text]", q.Role)
	case q.Role == "":
		c.add("p.lost_words @@ ?::text::tsquery", anyPrefix(q.Words))
	default:
		c.add("(p.lost_words @@ ?::text::tsquery OR p.lost_roles @> ARRAY[?::text])", anyPrefix(q.Words), q.Role)
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
