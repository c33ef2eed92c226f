package projections

import (
	"strconv"
	"strings"

	"github.com/usersvc/usersvc/internal/domain"
)

// candidates finds the users who may be on the page, if that leaves fewer to look at than all of them in the order of the
// list. Sorted says that there is an index in the order of the list, and that they are to be read through it.
func (w *writing) candidates(e expected) (who string, sorted bool) {
	switch byRole := w.Role != "" && w.Order.By == byCreation; {
	case w.IDs != nil:
		return w.named(), false
	case w.Words != "" && (w.Role == "" || e.worded <= e.held) && e.few(e.worded, w.Query):
		return w.worded(), false
	case w.Role != "" && (byRole || e.few(e.held, w.Query)):
		return w.holding(), byRole
	case w.inactive() && e.few(e.standing, w.Query):
		return w.standing(), false
	case e.few(e.users, w.Query):
		return w.created(), false
	}
	return "", false
}

// oneByOne looks at what each of some users was.
func (w *writing) oneByOne(who string) string {
	columns := versionColumns + ", p.search"
	newest := strings.ReplaceAll(columns, "p.", "l.")
	if w.Order.By == byCreation {
		who = w.sorted(who)
		w.order.name = "who.created_at"
	}
	return `
SELECT p.*, ` + w.order.name + ` AS place
FROM (` + who + `) who (user_id, created_at) CROSS JOIN LATERAL (
  SELECT * FROM derived.user_profiles WHERE user_id = who.user_id LIMIT 1
) l CROSS JOIN LATERAL (
  SELECT ` + newest + ` WHERE l.position <= ` + position + `
  UNION ALL (
    SELECT ` + columns + ` FROM derived.user_versions p
    WHERE l.position > ` + position + ` AND p.user_id = l.user_id AND p.position <= ` + position + ` ORDER BY p.position DESC LIMIT 1
  )
) p
WHERE ` + w.behind() + ` ORDER BY ` + strings.ReplaceAll(w.by(w.order.name), "p.user_id", "who.user_id") + ` LIMIT ` + strconv.Itoa(w.Limit+1)
}

// sorted puts users in the order in which they were created, which never changes: no more of them are looked at then
// than the page needs, and none of the pages before.
func (w *writing) sorted(who string) string {
	w.terms = []string{"true"}
	w.creation(&w.conditions, "p.created_at")
	w.resume()
	w.After = nil
	return `SELECT * FROM (` + who + `) p (user_id, created_at) WHERE ` + w.String() + ` ORDER BY ` + w.by("p.created_at")
}

const known = `SELECT p.user_id, p.created_at FROM derived.user_profiles p WHERE `

// named finds the users who are asked for by their ids.
func (w *writing) named() string { return known + "p.user_id = ANY (" + w.arg(w.IDs) + ")" }

// created finds the users who were there.
func (w *writing) created() string { return known + "p.created_at <= " + w.instant }

// worded finds the users who may have had the words: they have all of them today, or lost one of them later.
func (w *writing) worded() string {
	w.terms = []string{"p.created_at <= " + w.instant}
	w.wordsToday(&w.conditions)
	today := w.String()
	w.terms = []string{"p.created_at <= " + w.instant, "p.until > " + position}
	w.wordsLost(&w.conditions)
	return known + today + ` UNION SELECT p.user_id, p.created_at FROM derived.user_versions p WHERE ` + w.String()
}

// holding finds the users who had been given the role by then, and may have lost it.
func (w *writing) holding() string {
	return `SELECT p.user_id, p.created_at FROM derived.role_holders p
  WHERE p.role = ` + w.arg(w.Role) + ` AND p.created_at <= ` + w.instant + ` AND p.position <= ` + position
}

// inactive says that users of a status are asked for that has an index: most are active.
func (w *writing) inactive() bool { return w.Status == domain.Suspended || w.Status == domain.Deleted }

// standing finds the users who had the status.
func (w *writing) standing() string {
	had := "p.status = " + literal[w.Status] + " AND p.position <= " + position
	return known + had + ` UNION ALL SELECT p.user_id, p.created_at FROM derived.user_versions p WHERE ` + had + " AND p.until > " + position
}
