package projections

import (
	"context"
	"strconv"
)

// Ways are those in which a page of the past can be found, by what the planner would have to expect.
var Ways = map[string]expected{
	"one by one":            {versions: 1e12, users: 1, worded: 1, held: 1, standing: 1e12},
	"by role":               {versions: 1e12, users: 1, worded: 1e12, held: 1, standing: 1e12},
	"by status":             {versions: 1e12, users: 1e12, worded: 1e12, held: 1e12, standing: 1},
	"created by then":       {versions: 1e12, users: 1, worded: 1e12, held: 1e12, standing: 1e12},
	"in order, newest rows": {users: 1e9, same: 1e9, worded: 1e9, held: 1e9, standing: 1e9},
	"in order, former rows": {users: 1e9, same: 0, worded: 1e9, held: 1e9, standing: 1e9},
}

// Twin returns another role with the same bit.
func Twin(role string) string {
	for n := 0; ; n++ {
		if twin := "editor" + strconv.Itoa(n); bitsOf(twin) == bitsOf(role) {
			return twin
		}
	}
}

// ByRole says whether a page of now is read among all who ever had the role.
func (p *Profiles) ByRole(ctx context.Context, q Query) (bool, error) {
	return p.planner.byRole(ctx, q)
}

// PageByRole reads a page of now among all who ever had the role.
func (p *Profiles) PageByRole(ctx context.Context, q Query) (page Page, err error) {
	err = p.readByRole(ctx, q, &page)
	return page, err
}

// PageAt reads a page in one of the Ways.
func (p *Profiles) PageAt(ctx context.Context, q Query, m Moment, way string) (page Page, err error) {
	err = p.readAt(ctx, q, m, Ways[way], &page)
	return page, err
}

// Statement is that of a page of now, in the way that is thought to be the shorter one.
func (p *Profiles) Statement(ctx context.Context, q Query) (sql string, args []any, err error) {
	byWords, err := p.planner.byWords(ctx, q)
	sql, args = q.statement(byWords)
	return sql, args, err
}

// PageByWords reads a page of now among all who have the words.
func (p *Profiles) PageByWords(ctx context.Context, q Query) (page Page, err error) {
	err = p.read(ctx, q, true, &page)
	return page, err
}

// StatementAt is that of a page of the past, in one of the Ways.
func (q Query) StatementAt(m Moment, way string) (sql string, args []any) {
	sql, args, _ = q.statementAt(m, Ways[way])
	return sql, args
}
