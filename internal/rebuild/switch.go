package rebuild

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/usersvc/usersvc/internal/safeguard"
)

const (
	// Whoever reads while the switch waits for earlier readers waits behind it, so at first it gives up
	// soon and often. Something that reads for long, such as a dump, or an automatic vacuum, which makes
	// way only after a second, is given more time later.
	shortWait, longWait = "100ms", "1500ms"
	shortTries          = 20
	switchTries         = 60
	switchPause         = 250 * time.Millisecond

	switching = "switching" // the last phase
)

// switchOver puts the new tables in the place of the live ones. It holds the subscription for that long.
func (r *Run) switchOver(ctx context.Context) error {
	for try := 1; ; try++ {
		wait := shortWait
		if try > shortTries {
			wait = longWait
		}
		if err := r.comeCloser(ctx); err != nil {
			return err
		}
		err := pgx.BeginFunc(ctx, r.tx, func(tx pgx.Tx) error { return r.trySwitch(ctx, tx, wait) })
		var e *pgconn.PgError
		if !errors.As(err, &e) || e.Code != "55P03" || try == switchTries { // lock_not_available
			return err
		}
		select {
		case <-time.After(switchPause/2 + rand.N(switchPause)): //nolint:gosec // nobody gains by guessing it
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// comeCloser takes the shadow, and the comparison, to where the live subscription is, but for the last few events. What a try
// does is undone when it fails, and others wait for it: most of it is done before, and stays.
func (r *Run) comeCloser(ctx context.Context) error {
	if r.target.Shadow == nil || r.held || safeguard.Removed(safeguard.HandOver) {
		return nil
	}
	position, err := r.catchUp(ctx, switching)
	if err != nil {
		return err
	}
	return r.compareRest(ctx, r.tx, position)
}

func (r *Run) trySwitch(ctx context.Context, tx pgx.Tx, wait string) error {
	if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '"+wait+"'"); err != nil {
		return err
	}
	if err := r.stopReports(ctx, tx); err != nil {
		return err
	}
	if err := r.lockNew(ctx, tx); err != nil {
		return err
	}
	if r.target.Shadow == nil {
		return r.replace(ctx, tx)
	}
	if err := r.target.Live.Hold(ctx, tx); err != nil {
		return err
	}
	if !r.held {
		if err := r.catchUpAndCompare(ctx, tx); err != nil {
			return err
		}
	}
	if err := r.replace(ctx, tx); err != nil {
		return err
	}
	return r.target.Live.Replace(ctx, tx, r.target.Shadow, r.skipped)
}

// catchUpAndCompare takes the shadow to where the live subscription stands, which is held, and settles who differs.
func (r *Run) catchUpAndCompare(ctx context.Context, tx pgx.Tx) error {
	position, err := r.target.Live.Checkpoint(ctx, tx)
	if err != nil {
		return err
	}
	if err := r.target.Shadow.Drain(ctx, tx, safeguard.With(safeguard.HandOver, position, 0)); err != nil {
		return err
	}
	if err := r.compareRest(ctx, tx, position); err != nil {
		return err
	}
	different, err := r.differing(ctx, tx)
	if err != nil {
		return err
	}
	r.progress.done(position)
	r.progress.compared(len(different))
	r.name(different)
	return nil
}

// An operator can look these up; for more, the number says enough.
const differencesLogged = 100

func (r *Run) name(different map[uuid.UUID]bool) {
	named := 0
	for user := range different {
		if named++; named > differencesLogged {
			break
		}
		r.log.Warn().Stringer("user", user).Msg("the live rows of this user were not what the log says; they are replaced")
	}
}
