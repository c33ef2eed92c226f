package users_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/pgtest"
)

// The cache holds the user as it is: a command after a dry run is one query, as it was before.
func TestDryRunLeavesTheCacheAlone(t *testing.T) {
	t.Parallel()
	config := pgtest.New(t).Config()
	asked := &queryCounter{}
	config.ConnConfig.Tracer = asked
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	r := openOn(t, pool)
	id := r.create(t)
	if _, err := r.DryRun(t.Context(), request(id, domain.GrantRole{Role: "admin"})); err != nil {
		t.Fatal(err)
	}
	before := asked.queries.Load()
	if got := r.must(t, request(id, domain.GrantRole{Role: "editor"})); got.User.Version != 2 {
		t.Errorf("version %d after the first command, want 2", got.User.Version)
	}
	if n := asked.queries.Load() - before; n != 1 {
		t.Errorf("the command after a dry run took %d queries, want 1", n)
	}
}

type queryCounter struct{ queries atomic.Int64 }

func (c *queryCounter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.queries.Add(1)
	return ctx
}

func (c *queryCounter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
