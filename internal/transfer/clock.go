package transfer

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// clock is the database's. It goes on while a file is read, which may come from an export that is under way.
type clock struct {
	asked time.Time // here, when it was
	was   time.Time
}

func (c *clock) ask(ctx context.Context, conn *pgx.Conn) error {
	c.asked = time.Now()
	return conn.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&c.was)
}

func (c *clock) isFuture(t time.Time) bool {
	return t.After(c.was) && t.After(c.was.Add(time.Since(c.asked)))
}
