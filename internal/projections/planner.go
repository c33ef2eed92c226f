package projections

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sort"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/domain"
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
	UserStates       []string    // the usual ones of users, and what part of all has each
	UserShares       []float64
	VersionStates    []string // the same of versions
	VersionShares    []float64
}

// expected is how many rows there may be of what a page could be found by.
type expected struct {
	versions float64 // of all users, at all times
	users    float64 // there at the place
	same     float64 // of these, who are today as they were
	worded   float64 // by words: users today, and versions that lost one
	held     float64 // by role: users who have it or had it
	standing float64 // by status: users who have it today, and versions that had it
}

func (p *planner) expect(ctx context.Context, q Query, at time.Time) (e expected, err error) {
	s, err := p.statistics(ctx)
	if err != nil {
		return e, err
	}
	e = expected{versions: s.Versions, users: s.Users * share(s.Created, at), same: s.Users * share(s.Updated, at)}
	e.standing = s.Users*part(s.UserStates, s.UserShares, q.Status) + s.Versions*part(s.VersionStates, s.VersionShares, q.Status)
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

// part is what part of a table has a status. One that is not usual is rare; nobody knows what is usual before PostgreSQL has looked.
func part(states []string, shares []float64, status domain.Status) float64 {
	if len(states) == 0 {
		return 1
	}
	if i := slices.Index(states, string(status)); i >= 0 {
		return shares[i]
	}
	return 0
}

const readStatistics = `
SELECT s.*, COALESCE(c.histogram_bounds::text::timestamptz[], '{}'), COALESCE(u.histogram_bounds::text::timestamptz[], '{}'),
  COALESCE(p.most_common_vals::text::text[], '{}'), COALESCE(p.most_common_freqs, '{}'),
  COALESCE(v.most_common_vals::text::text[], '{}'), COALESCE(v.most_common_freqs, '{}')
FROM (
  SELECT sum(rows) FILTER (WHERE oid = 'derived.user_versions'::regclass), sum(rows) FILTER (WHERE oid = 'derived.user_profiles'::regclass)
  FROM (
    SELECT oid, CASE WHEN reltuples < 0 THEN pg_relation_size(oid) / 300 ELSE reltuples END AS rows FROM pg_class
    WHERE oid IN ('derived.user_versions'::regclass, 'derived.user_profiles'::regclass)
  ) t
) s (versions, users)
LEFT JOIN pg_stats c ON c.schemaname = 'derived' AND c.tablename = 'user_profiles' AND c.attname = 'created_at'
LEFT JOIN pg_stats u ON u.schemaname = 'derived' AND u.tablename = 'user_profiles' AND u.attname = 'updated_at'
LEFT JOIN pg_stats p ON p.schemaname = 'derived' AND p.tablename = 'user_profiles' AND p.attname = 'status'
LEFT JOIN pg_stats v ON v.schemaname = 'derived' AND v.tablename = 'user_versions' AND v.attname = 'status'`

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
