package projections

import (
	"strconv"
	"strings"

	"github.com/usersvc/usersvc/internal/eventstore"
)

// statementAt writes the query of a page of the past. Users are found in one of two ways: all of them in the order of
// the list, until the page is full; or first those who can match, if they are few.
func (q Query) statementAt(at eventstore.Place, e expected) (sql string, args []any) {
	w := writing{Query: q, order: orders[q.Order.By], at: at}
	w.position = w.arg(at.Position)
	var page string
	switch {
	case w.IDs != nil:
		page = w.oneByOne("SELECT DISTINCT unnest(" + w.arg(w.IDs) + "::uuid[]) AS user_id")
	case w.Words+w.Role != "" && e.few(e.found+e.lost, q.Limit):
		page = w.oneByOne(w.matching())
	case e.few(e.users, q.Limit):
		page = w.oneByOne(w.created())
	default:
		page = w.inOrder(e.same >= e.users/2)
	}
	total := "0"
	if q.Count {
		total = w.count()
	}
	return `
WITH page AS MATERIALIZED (` + page + `)
SELECT ` + reached + `, ` + parkedAt(w.position) + `, ` + total + `, p.place::text, ` + profileColumns + `
FROM (SELECT checkpoint, parked FROM derived.subscriptions WHERE name = '` + Subscription + `') s
LEFT JOIN (
  SELECT page.*, COALESCE(a.position, 0) AS activity_position, COALESCE(a.post_count, 0) AS post_count, COALESCE(a.follower_count, 0) AS follower_count
  FROM page LEFT JOIN LATERAL (
    SELECT position, post_count, follower_count FROM derived.activity
    WHERE user_id = page.user_id AND position <= ` + w.position + ` ORDER BY position DESC LIMIT 1
  ) a ON true
) p ON true
ORDER BY ` + w.by("p.place"), w.args
}

// As long as the table is marked as incomplete (see migration 7), no place has been reached.
const (
	incomplete = -1
	reached    = `CASE WHEN (SELECT obj_description('derived.user_versions'::regclass, 'pg_class')) IS NULL THEN s.checkpoint ELSE -1 END`
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
	at                   eventstore.Place
	position, recordedAt string // their places among the arguments
}

// time is an argument only where it is used: PostgreSQL would not know its type.
func (w *writing) time() string {
	if w.recordedAt == "" {
		w.recordedAt = w.arg(w.at.RecordedAt)
	}
	return w.recordedAt
}

func (w *writing) arg(value any) string {
	w.args = append(w.args, value)
	return "$" + strconv.Itoa(len(w.args))
}

func (w *writing) by(place string) string {
	direction := " ASC"
	if w.Order.Desc {
		direction = " DESC"
	}
	return place + direction + ", p.user_id" + direction
}

// where is the condition that rows match the filter, and more.
func (w *writing) where(more ...string) string {
	w.terms = more
	w.filter(&w.conditions)
	return w.String()
}

// behind is where, for rows behind those of the page before.
func (w *writing) behind(more ...string) string {
	w.where(more...)
	if w.After != nil {
		w.add("("+w.order.name+", p.user_id) "+w.beyond()+" (?::text::"+w.order.typ+", ?)", w.After.Value, w.After.ID)
	}
	return w.String()
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
	lasting = "p.until - p.position >= 1000" // as the indexes have it
	brief   = "p.until - p.position < 1000"
)

// newest, former and fleeting are the conditions for the three kinds of row that were true at the position. The second
// condition of newest follows from the first, but for a batch of events with one time; it has an index.
func (w *writing) newest() []string {
	return []string{"p.position <= " + w.position, "p.updated_at <= " + w.time()}
}

func (w *writing) former() []string {
	return []string{lasting, "p.position <= " + w.position, "p.until > " + w.position, "p.created_at <= " + w.time(), "p.updated_at <= " + w.time()}
}

func (w *writing) fleeting() []string {
	return []string{brief, "p.position > " + w.position + " - 1000", "p.position <= " + w.position, "p.until > " + w.position}
}

// inOrder reads both tables in the order of the list. Where many rows are true a page is soon full; the other table
// is read only as far as that page reaches.
func (w *writing) inOrder(newestFirst bool) string {
	tables := []string{"derived.user_profiles", "derived.user_versions"}
	terms := [][]string{w.newest(), w.former()}
	first, second := 0, 1
	if !newestFirst {
		first, second = 1, 0
	}
	limit := strconv.Itoa(w.Limit + 1)
	read := func(table string, terms []string) string {
		return `SELECT ` + versionColumns + `, ` + w.order.name + ` AS place FROM ` + table + ` p WHERE ` + w.behind(terms...)
	}
	ordered := ` ORDER BY ` + w.by(w.order.name) + ` LIMIT ` + limit
	return `
WITH many AS MATERIALIZED (` + read(tables[first], terms[first]) + ordered + `
), others AS MATERIALIZED (` + read(tables[second], append(terms[second], w.within("many"))) + ordered + `
), fleeting AS MATERIALIZED (` + read(tables[1], w.fleeting()) + `
)
SELECT * FROM (SELECT * FROM many UNION ALL SELECT * FROM others UNION ALL SELECT * FROM fleeting) p ORDER BY ` + w.by("p.place") + ` LIMIT ` + limit
}

// within is the condition that a row comes before the end of a full page.
func (w *writing) within(page string) string {
	end, before := map[string]string{"text": `U&'\+10FFFF'`, "timestamptz": "'infinity'"}[w.order.typ], "<="
	if w.Order.Desc {
		end, before = map[string]string{"text": "''", "timestamptz": "'-infinity'"}[w.order.typ], ">="
	}
	return w.order.name + " " + before + " COALESCE((SELECT place FROM " + page + " OFFSET " + strconv.Itoa(w.Limit) + "), " + end + ")"
}

// oneByOne looks at what each of some users was.
func (w *writing) oneByOne(who string) string {
	columns := versionColumns + ", p.search"
	newest := strings.ReplaceAll(columns, "p.", "l.")
	return `
SELECT p.*, ` + w.order.name + ` AS place
FROM (` + who + `) who JOIN derived.user_profiles l ON l.user_id = who.user_id CROSS JOIN LATERAL (
  SELECT ` + newest + ` WHERE l.position <= ` + w.position + `
  UNION ALL (
    SELECT ` + columns + ` FROM derived.user_versions p
    WHERE l.position > ` + w.position + ` AND p.user_id = l.user_id AND p.position <= ` + w.position + ` ORDER BY p.position DESC LIMIT 1
  )
) p
WHERE ` + w.behind() + ` ORDER BY ` + w.by(w.order.name) + ` LIMIT ` + strconv.Itoa(w.Limit+1)
}

// created finds the users who were there.
func (w *writing) created() string {
	return `SELECT p.user_id FROM derived.user_profiles p WHERE p.created_at <= ` + w.time()
}

// matching finds the users who may have had the words and the role: they have all of them today, or lost one of them
// later.
func (w *writing) matching() string {
	w.terms = []string{"p.created_at <= " + w.time()}
	w.described(&w.conditions)
	today := w.String()
	w.terms = []string{"p.created_at <= " + w.time(), "p.until > " + w.position}
	w.lost(&w.conditions)
	return `SELECT p.user_id FROM derived.user_profiles p WHERE ` + today + ` UNION SELECT p.user_id FROM derived.user_versions p WHERE ` + w.String()
}

// count counts all users who match.
func (w *writing) count() string {
	w.After = nil
	return `((SELECT count(*) FROM derived.user_profiles p WHERE ` + w.where(w.newest()...) + `) + (
  SELECT count(*) FROM derived.user_versions p WHERE ` + w.where("p.position <= "+w.position, "p.until > "+w.position) + `))`
}
