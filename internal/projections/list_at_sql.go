package projections

import (
	"strconv"
	"strings"
)

// statementAt writes the query of a page of the past. Users are found in one of two ways: all of them in the order of
// the list, until the page is full; or first those who can match, if they are few. Sorted says that there are indexes
// in the order of the list, and that it is to be read through them.
func (q Query) statementAt(m Moment, e expected) (sql string, args []any, sorted bool) {
	w := writing{Query: q, order: orders[q.Order.By]}
	w.Limit = inSteps(w.Limit)
	var place, page string
	place, w.instant = m.query(w.arg)
	who, sorted := w.candidates(e)
	if who != "" {
		page = w.oneByOne(who)
	} else {
		page, sorted = w.inOrder(e.same >= e.users/2), true
	}
	total := "0"
	if q.Count {
		total = w.count()
	}
	return `
WITH place AS MATERIALIZED (` + place + `), page AS MATERIALIZED (` + page + `)
SELECT place.position, place.recorded_at, ` + reached + `, ` + parkedAt("place.position") + `, ` + total + `, p.place::text, ` + profileColumns + `
FROM ` + standing + `
CROSS JOIN place LEFT JOIN (
  SELECT page.*, COALESCE(a.position, 0) AS activity_position, COALESCE(a.post_count, 0) AS post_count, COALESCE(a.follower_count, 0) AS follower_count
  FROM page LEFT JOIN LATERAL (
    SELECT position, post_count, follower_count FROM derived.activity
    WHERE user_id = page.user_id AND recorded_at <= ` + w.instant + ` AND position <= ` + position + ` ORDER BY recorded_at DESC, position DESC LIMIT 1
  ) a ON true
) p ON true
ORDER BY ` + w.by("p.place"), w.args, sorted
}

// inSteps keeps the statements few whose plans are kept: there is one for each limit, which the plan depends on.
func inSteps(limit int) int {
	for _, step := range []int{20, 50, 100} {
		if limit <= step {
			return step
		}
	}
	return max(limit, 200)
}

// As long as the table is marked as incomplete (see migration 7), no place has been reached.
const (
	incomplete = -1
	reached    = `CASE WHEN NOT EXISTS (
  SELECT FROM pg_description WHERE classoid = 'pg_class'::regclass AND objoid = 'derived.user_versions'::regclass AND objsubid = 0
) THEN s.checkpoint ELSE -1 END`
)

// parkedAt counts the users of whom an event up to the position is parked: what they were is not known yet.
func parkedAt(position string) string {
	return `CASE WHEN s.parked = 0 THEN 0 ELSE (
  SELECT count(DISTINCT d.user_id) FROM derived.dead_letters d
  WHERE d.subscription = '` + Subscription + `' AND d.state <> 'skipped' AND d.position <= ` + position + `) END`
}

// writing is a statement on its way.
type writing struct {
	Query
	order struct{ name, typ string }
	conditions
	instant string // $1: no event of the moment is later
}

// position is that of the moment.
const position = "(SELECT position FROM place)"

func (w *writing) by(place string) string {
	direction := " ASC"
	if w.Order.Desc {
		direction = " DESC"
	}
	return place + direction + ", p.user_id" + direction
}

// behind is the condition that rows match the filter and come behind the page before, and more.
func (w *writing) behind(more ...string) string {
	w.terms = more
	w.plain(&w.conditions)
	w.seen(&w.conditions)
	w.resume()
	return w.String()
}

func (w *writing) resume() {
	if w.After != nil {
		w.add("("+w.order.name+", p.user_id) "+w.beyond()+" (?::text::"+w.order.typ+", ?)", w.After.Value, w.After.ID)
	}
}

func (w *writing) beyond() string {
	if w.Order.Desc {
		return "<"
	}
	return ">"
}

const versionColumns = `p.user_id, p.version, p.position, p.created_at, p.updated_at, p.suspended_at, p.status, p.email, p.email_key,
p.display_name, p.first_name, p.last_name, p.suspension_reason, p.roles`

const (
	userProfiles, userVersions = "derived.user_profiles", "derived.user_versions"

	lasting  = "p.until - p.position >= 1000" // as the indexes have it
	brief    = "p.until - p.position < 1000"
	trueThen = lasting + " AND p.position <= " + position + " AND p.until > " + position
)

// newest, former and fleeting are the conditions for the three kinds of row that were true at the position. The second
// condition of newest follows from the first, but for a batch of events with one time; it has an index.
func (w *writing) newest() []string {
	return []string{"p.position <= " + position, "p.updated_at <= " + w.instant}
}

func (w *writing) former() []string {
	if w.order.typ == "timestamptz" { // it follows, and bounds the index
		return []string{trueThen, w.order.name + " <= " + w.instant}
	}
	return []string{trueThen}
}

func (w *writing) fleeting() []string {
	return []string{brief, "p.position > " + position + " - 1000", "p.position <= " + position, "p.until > " + position}
}

// inOrder reads both tables in the order of the list. Where many rows are true a page is soon full; the other table
// is read only as far as that page reaches.
func (w *writing) inOrder(newestFirst bool) string {
	tables := []string{userProfiles, userVersions}
	terms := [][]string{w.newest(), w.former()}
	first, second := 0, 1
	if !newestFirst {
		first, second = 1, 0
	}
	return `
WITH many AS MATERIALIZED (` + w.ordered(tables[first], terms[first]) + `
), others AS MATERIALIZED (` + w.ordered(tables[second], append(terms[second], w.within("many"))) + `
), fleeting AS MATERIALIZED (` + w.rows(tables[1], w.fleeting()) + `
)
SELECT * FROM (SELECT * FROM many UNION ALL SELECT * FROM others UNION ALL SELECT * FROM fleeting) p ` + w.page("p.place")
}

func (w *writing) rows(table string, terms []string) string {
	return `SELECT ` + versionColumns + `, ` + w.order.name + ` AS place FROM ` + table + ` p WHERE ` + w.behind(terms...)
}

func (w *writing) page(place string) string {
	return `ORDER BY ` + w.by(place) + ` LIMIT ` + strconv.Itoa(w.Limit+1)
}

// ordered reads a table in the order of the list, for a page. If the index says whether a version may be one of those asked
// for, it alone is read until then; their rows are found by the same part of it.
func (w *writing) ordered(table string, terms []string) string {
	if table == userProfiles || !w.indexed() {
		return w.rows(table, terms) + ` ` + w.page(w.order.name)
	}
	w.terms = terms
	w.plain(&w.conditions)
	w.add("p.role_bits & ?::bigint <> 0", bitsOf(w.Role))
	w.resume()
	return `SELECT ` + versionColumns + `, k.place FROM (
  SELECT p.user_id, ` + w.order.name + ` AS place FROM ` + table + ` p WHERE ` + w.String() + `
) k CROSS JOIN LATERAL (
  SELECT p.* FROM ` + table + ` p WHERE ` + w.order.name + ` = k.place AND p.user_id = k.user_id AND ` + trueThen + ` LIMIT 1
) p
WHERE ` + w.arg(w.Role) + ` = ANY (p.roles) ` + strings.ReplaceAll(w.page("k.place"), "p.user_id", "k.user_id")
}

// indexed says that a role is asked for, whose bit is in the index, and nothing else that is not.
func (w *writing) indexed() bool {
	return w.Role != "" && w.Words+w.Address == "" && w.Since == nil && w.CreatedAfter.IsZero() && w.CreatedBefore.IsZero()
}

// within is the condition that a row comes before the end of a full page.
func (w *writing) within(page string) string {
	end, before := map[string]string{"text": `U&'\+10FFFF'`, "timestamptz": "'infinity'"}[w.order.typ], "<="
	if w.Order.Desc {
		end, before = map[string]string{"text": "''", "timestamptz": "'-infinity'"}[w.order.typ], ">="
	}
	return w.order.name + " " + before + " COALESCE((SELECT place FROM " + page + " OFFSET " + strconv.Itoa(w.Limit) + "), " + end + ")"
}

// count counts all users who match.
func (w *writing) count() string {
	matching := func(terms ...string) string {
		w.terms = terms
		w.filter(&w.conditions)
		return w.String()
	}
	return `((SELECT count(*) FROM derived.user_profiles p WHERE ` + matching(w.newest()...) + `) + (
  SELECT count(*) FROM derived.user_versions p WHERE ` + matching("p.position <= "+position, "p.until > "+position) + `))`
}
