package projections

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/coalesce"
)

// Profiles answers queries from user_profiles.
type Profiles struct {
	pool    *pgxpool.Pool
	current *coalesce.Reads[uuid.UUID, Current]
	counted *coalesce.Reads[uuid.UUID, Activity]
	planner *planner
	reading chan struct{} // holds a token for each list in the database

	mu    sync.Mutex
	moved chan struct{} // closed when the checkpoint moves, then replaced
}

// NewProfiles answers queries over the pool.
func NewProfiles(pool *pgxpool.Pool) *Profiles {
	p := &Profiles{pool: pool, planner: newPlanner(pool), reading: make(chan struct{}, max(1, int(pool.Config().MaxConns)/2)), moved: make(chan struct{})}
	p.current = coalesce.New(p.readCurrent)
	p.counted = coalesce.New(p.readActivity)
	return p
}

// Moved tells waiting reads that the relay of this process has moved the checkpoint.
func (p *Profiles) Moved() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.moved)
	p.moved = make(chan struct{})
}

func (p *Profiles) nextMove() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.moved
}

// list waits for its turn: of the connections lists have half, and the feed a quarter, so that the rest is there for reads of one user.
func (p *Profiles) list(ctx context.Context) (done func(), err error) {
	select {
	case p.reading <- struct{}{}:
		return func() { <-p.reading }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Another replica's relay moves the checkpoint without telling us: waiting reads look this often.
const lookAgain = 20 * time.Millisecond

// standing is the table s of one row that says where the subscription is. Only the newest version of it is looked at, of the many
// there are while a transaction is open somewhere: see package outbox.
const standing = `(SELECT checkpoint, parked FROM derived.subscriptions WHERE name = '` + Subscription + `' ORDER BY checkpoint DESC LIMIT 1) s`

const readCheckpoint = `SELECT checkpoint FROM ` + standing

// Checkpoint reads the position that the projection has reached.
func (p *Profiles) Checkpoint(ctx context.Context) (int64, error) {
	var checkpoint int64
	if err := p.pool.QueryRow(ctx, readCheckpoint).Scan(&checkpoint); err != nil {
		return 0, fmt.Errorf("read checkpoint: %w", unavailable(err))
	}
	return checkpoint, nil
}

// await returns when the projection has reached a position, or ErrLagging after a while.
func (p *Profiles) await(ctx context.Context, position int64, patience time.Duration) error {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		moved := p.nextMove() // before looking, so that no move is missed
		checkpoint, err := p.Checkpoint(ctx)
		if err != nil || checkpoint >= position {
			return err
		}
		select {
		case <-moved:
		case <-time.After(lookAgain):
		case <-deadline.C:
			return ErrLagging
		case <-ctx.Done():
			return unavailable(ctx.Err())
		}
	}
}
