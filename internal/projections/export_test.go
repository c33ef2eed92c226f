package projections

import "context"

// Ways are those in which a page of the past can be found, by what the planner would have to expect.
var Ways = map[string]expected{
	"one by one":            {versions: 1e12, users: 1, found: 1},
	"created by then":       {versions: 1e12, users: 1, found: 1e12},
	"in order, newest rows": {users: 1e9, same: 1e9, found: 1e9},
	"in order, former rows": {users: 1e9, same: 0, found: 1e9},
}

// PageAt reads a page in one of the Ways.
func (p *Profiles) PageAt(ctx context.Context, q Query, m Moment, way string) (page Page, err error) {
	err = p.readAt(ctx, q, m, Ways[way], &page)
	return page, err
}
