package projections

import (
	"context"
	"fmt"
	"math"
	"sort"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// planner knows how many rows a list may come across, from what PostgreSQL has gathered for its own planner.
// A page is right whatever it says.
type planner struct {
	pool  *pgxpool.Pool
	found *lru.Cache[described, matches]

	mu    sync.Mutex
	last  statistics
	taken time.Time
}

// PostgreSQL makes new statistics every few minutes at most.
const (
	statisticsFor  = time.Minute
	mostRemembered = 1000
)

func newPlanner(pool *pgxpool.Pool) *planner {
	found, _ := lru.New[described, matches](mostRemembered) // fails only without room
	return &planner{pool: pool, found: found}
}

// statistics are of the tables as they were analysed last.
type statistics struct {
	Versions, Users  float64
	Created, Updated []time.Time // of users: the bounds of parts with as many users each
}

// expected is how many rows there may be of what a page could be found by.
type expected struct {
	versions float64 // of all users, at all times
	users    float64 // there at the place
	same     float64 // of these, who are today as they were
	worded   float64 // by words: users today, and versions that lost one
	held     float64 // by role: users who have it or had it
}

func (p *planner) expect(ctx context.Context, q Query, at time.Time) (e expected, err error) {
	s, err := p.statistics(ctx)
	if err != nil {
		return e, err
	}
	e = expected{versions: s.Versions, users: s.Users * share(s.Created, at), same: s.Users * share(s.Updated, at)}
	if q.Words+q.Role != "" {
		m, err := p.matches(ctx, q)
		e.worded, e.held = m.worded+m.lost, m.held
		return e, err
	}
	return e, nil
}

// share is the part of users who are not behind an instant.
func share(bounds []time.Time, at time.Time) float64 {
	if len(bounds) < 2 {
		return 1
	}
	before := sort.Search(len(bounds), func(i int) bool { return bounds[i].After(at) })
	return float64(before) / float64(len(bounds))
}

const readStatistics = `
SELECT s.*, COALESCE(c.histogram_bounds::text::timestamptz[], '{}'), COALESCE(u.histogram_bounds::text::timestamptz[], '{}')
FROM (
  SELECT sum(rows) FILTER (WHERE oid = 'derived.user_versions'::regclass), sum(rows) FILTER (WHERE oid = 'derived.user_profiles'::regclass)
  FROM (
    SELECT oid, CASE WHEN reltuples < 0 THEN pg_relation_size(oid) / 300 ELSE reltuples END AS rows FROM pg_class
    WHERE oid IN ('derived.user_versions'::regclass, 'derived.user_profiles'::regclass)
  ) t
) s (versions, users)
LEFT JOIN pg_stats c ON c.schemaname = 'derived' AND c.tablename = 'user_profiles' AND c.attname = 'created_at'
LEFT JOIN pg_stats u ON u.schemaname = 'derived' AND u.tablename = 'user_profiles' AND u.attname = 'updated_at'`

func (p *planner) statistics(ctx context.Context) (statistics, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.taken) < statisticsFor {
		return p.last, nil
	}
	rows, _ := p.pool.Query(ctx, readStatistics)
	s, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[statistics])
	if err != nil {
		return s, fmt.Errorf("read statistics: %w", err)
	}
	p.last, p.taken = s, time.Now()
	return s, nil
}

// A plan is kept only if it was made for tables that have grown: in small ones another index may do as well.
const manyRows = 10_000

func (e expected) many() bool { return e.versions+e.users >= manyRows }

// A look at what one user was costs as much as reading past forty versions in the order of a list. Where only those on the
// page are looked at, finding one user costs a tenth of that.
const (
	lookup  = 40
	finding = 4
)

// few says that so many users are looked at one by one sooner than a page of them is come across in order: that takes
// as many versions as there are for each of them, for each row of the page.
func (e expected) few(users float64, q Query) bool {
	each := float64(lookup)
	if q.Order.By == byCreation {
		each = finding
	}
	return users <= math.Sqrt(e.versions*float64(q.Limit)/each)
}
