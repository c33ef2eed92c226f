package projections

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/safeguard"
)

// Order is what a list is sorted by; the id breaks ties in the same direction.
type Order struct {
	By   string // "createdAt", "updatedAt", "email" (its canonical form) or "displayName"
	Desc bool
}

// After is the last row of the page before.
type After struct {
	Value string // what it is sorted by; opaque
	ID    uuid.UUID
}

// Query selects a page of user_profiles. Zero members select nothing away, but deleted users are
// left out unless Status asks for them.
type Query struct {
	Status                      domain.Status
	Role                        string
	Words                       string // q: each word must begin a word of the address or the names
	Address                     string // canonical e-mail
	IDs                         []uuid.UUID
	CreatedAfter, CreatedBefore time.Time         // exclusive
	Since                       *eventstore.Place // only users with an event behind it, deleted ones as well
	Order                       Order
	Limit                       int
	After                       *After
	Count                       bool // also count all rows that match
}

// OnlyAddress reports whether users are asked for by their address and by nothing else.
func (q Query) OnlyAddress() bool { return q.Address != "" && q.IDs == nil && !q.filtered() }

// OnlyIDs reports whether users are asked for by their ids and by nothing else.
func (q Query) OnlyIDs() bool { return q.IDs != nil && q.Address == "" && !q.filtered() }

func (q Query) filtered() bool {
	return q.Status != "" || q.Role != "" || q.Words != "" || !q.CreatedAfter.IsZero() || !q.CreatedBefore.IsZero()
}

// Page is rows and the position that they show, from one snapshot of the database.
type Page struct {
	Profiles []Profile
	Next     *After           // nil on the last page
	Position int64            // the projection's checkpoint
	Place    eventstore.Place // of the past that it shows
	Parked   int64            // users waiting behind a failed event
	Total    int64            // with Query.Count
}

// List reads a page that shows at least minPosition, waiting for the projection to get there if
// need be: ErrLagging when it takes longer than patience.
func (p *Profiles) List(ctx context.Context, q Query, minPosition int64, patience time.Duration) (Page, error) {
	deadline := time.Now().Add(patience)
	for {
		page, err := p.page(ctx, q)
		if err != nil {
			return Page{}, fmt.Errorf("list users: %w", unavailable(err))
		}
		if page.Position >= minPosition || safeguard.Removed(safeguard.MinPosition) {
			return page, nil
		}
		if err := p.await(ctx, minPosition, time.Until(deadline)); err != nil {
			return Page{}, err
		}
	}
}

func (p *Profiles) page(ctx context.Context, q Query) (page Page, err error) {
	done, err := p.list(ctx)
	if err != nil {
		return page, err
	}
	defer done()
	byRole, err := p.planner.byRole(ctx, q)
	if err != nil {
		return page, err
	}
	if byRole {
		err = p.readByRole(ctx, q, &page)
		return page, err
	}
	byWords, err := p.planner.byWords(ctx, q)
	if err == nil {
		err = p.read(ctx, q, byWords, &page)
	}
	return page, err
}

// read has the statement planned anew each time, for the filters and the statistics of the day.
func (p *Profiles) read(ctx context.Context, q Query, byWords bool, page *Page) error {
	sql, args := q.statement(byWords)
	rows, err := p.pool.Query(ctx, sql, append([]any{pgx.QueryExecModeCacheDescribe}, args...)...)
	if err != nil {
		return err
	}
	return page.read(rows, q.Limit)
}

func (p *Profiles) readByRole(ctx context.Context, q Query, page *Page) error {
	sql, args := q.statementByRole()
	return p.ask(ctx, []string{eventstore.KeepPlan, dontSort}, sql, args, func(rows pgx.Rows) error { return page.read(rows, q.Limit) })
}

// read takes rows that begin with what goes into first, one more than the limit if there is a next page.
func (p *Page) read(rows pgx.Rows, limit int, first ...any) error {
	var places []string
	var place zeronull.Text
	var profile profileRow
	dest := slices.Concat(first, []any{&p.Position, &p.Parked, &p.Total, &place}, profile.destinations())
	profiles, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Profile, error) {
		err := row.Scan(dest...)
		places = append(places, string(place))
		return profile.take(), err
	})
	if err != nil {
		return err
	}
	if profiles[0].User.Version == 0 {
		profiles = nil // the row that carries the checkpoint alone
	}
	if last := limit - 1; len(profiles) > limit {
		p.Next = &After{places[last], profiles[last].User.ID}
		profiles = profiles[:limit]
	}
	p.Profiles = profiles
	return nil
}
