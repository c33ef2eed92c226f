package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/rebuild"
	"github.com/usersvc/usersvc/internal/users"
)

// derived is something that a replay makes again.
type derived struct {
	check, promise string
	tables         []string // live ones
	whose          string   // the column that says so
	rows           rebuild.Rows
	through        int64          // the position up to which the live rows follow the log
	which          string         // rebuild.AllRows, or CommonRows of a cache
	skipped        map[int64]bool // positions that the live rows have passed over
	except         map[uuid.UUID]bool
	others         string // finds whose rows are more than a cache may have; "" if that is nothing

	failed bool // for the user at hand
}

// replay folds all users once, and compares what that makes with what there is.
func (c *checking) replay(ctx context.Context) error {
	kept, err := c.snapshots(ctx)
	if err != nil {
		return err
	}
	all, err := c.derived(ctx, kept)
	if err != nil {
		return err
	}
	copies := rebuild.NewCopies(c.tx, "pg_temp")
	for _, d := range all {
		for _, table := range d.tables {
			if err := copies.Create(ctx, table); err != nil {
				return err
			}
		}
	}
	r := replaying{checking: c, copies: copies, all: all, unreadable: make(map[uuid.UUID]bool)}
	if err := rebuild.ReadByUser(ctx, c.pool, c.report.Position, func(e eventstore.Recorded) error { return r.add(ctx, e) }); err != nil {
		return err
	}
	r.endUser()
	if err := errors.Join(kept.err, r.flush(ctx)); err != nil {
		return err
	}
	c.report.Unreadable = len(r.unreadable)
	return r.compare(ctx)
}

func (c *checking) derived(ctx context.Context, kept *kept) ([]*derived, error) {
	parked, skipped, err := c.letters(ctx)
	if err != nil {
		return nil, err
	}
	snapshots := users.NewRebuiltSnapshots(kept.has)
	return []*derived{
		{
			check: "claims", promise: "claims are the addresses of living users", tables: []string{"eventlog.claims"}, whose: "stream_id",
			rows: new(users.RebuiltClaims), through: c.report.Position, which: rebuild.AllRows,
		}, {
			check: "snapshots", promise: "snapshots are what a replay makes", tables: []string{"derived.snapshots"}, whose: "stream_id",
			rows: snapshots, through: c.report.Position, which: rebuild.CommonRows, others: fmt.Sprintf(selectNeverMade, snapshots.Schema(), maxWrong),
		}, {
			check: projections.Subscription, promise: "rows of the projection are what a replay makes", whose: "user_id",
			tables: projections.Live.Qualified(), rows: new(projections.Rebuilt), through: c.report.Checkpoint,
			which: rebuild.AllRows, skipped: skipped, except: parked,
		},
	}, nil
}

const selectLetters = `SELECT user_id, position, state = 'skipped' FROM derived.dead_letters WHERE subscription = $1`

func (c *checking) letters(ctx context.Context) (parked map[uuid.UUID]bool, skipped map[int64]bool, err error) {
	parked, skipped = make(map[uuid.UUID]bool), make(map[int64]bool)
	rows, _ := c.tx.Query(ctx, selectLetters, projections.Subscription)
	var user uuid.UUID
	var position int64
	var passed bool
	_, err = pgx.ForEachRow(rows, []any{&user, &position, &passed}, func() error {
		if passed {
			skipped[position] = true
		} else {
			parked[user] = true
		}
		return nil
	})
	return parked, skipped, err
}

// replaying is a replay under way, at some user.
type replaying struct {
	*checking
	copies     rebuild.Copies
	all        []*derived
	unreadable map[uuid.UUID]bool

	user  uuid.UUID
	begun bool // a user
	done  int64
}

// What so many events make is copied together: some megabytes of rows, whoever the events are about.
const eventsTogether = 10_000

func (r *replaying) add(ctx context.Context, e eventstore.Recorded) error {
	if user := projections.UserOf(e); !r.begun || user != r.user {
		r.endUser()
		r.beginUser(user)
	}
	if r.done%eventsTogether == 0 {
		if err := r.flush(ctx); err != nil {
			return err
		}
		r.progress("replay", r.done, r.report.Position)
	}
	r.done++
	for _, d := range r.all {
		switch {
		case e.Position > d.through || d.failed:
		case d.skipped[e.Position]:
			d.rows.Pass(e)
		default:
			if err := d.rows.Add(e); err != nil {
				d.failed, r.unreadable[r.user] = true, true
			}
		}
	}
	return nil
}

func (r *replaying) beginUser(user uuid.UUID) {
	r.user, r.begun = user, true
	for _, d := range r.all {
		d.failed = false
		d.rows.Begin(user)
	}
}

func (r *replaying) endUser() {
	for _, d := range r.all {
		if r.begun {
			d.rows.End()
		}
	}
}

func (r *replaying) flush(ctx context.Context) error {
	for _, d := range r.all {
		for i, rows := range d.rows.Take() {
			if err := r.copies.Fill(ctx, d.tables[i], rows); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *replaying) compare(ctx context.Context) error {
	for _, d := range r.all {
		r.progress(d.check, r.done, r.report.Position)
		wrong := make(map[string]bool)
		for _, table := range d.tables {
			different, err := r.copies.Compare(ctx, table, d.whose, d.which, nil)
			if err != nil {
				return err
			}
			r.blame(d, different, wrong)
		}
		if d.others != "" {
			rows, _ := r.tx.Query(ctx, d.others)
			never, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
			if err != nil {
				return err
			}
			r.blame(d, never, wrong)
		}
		r.found(d.check, d.promise, slices.Sorted(maps.Keys(wrong)))
	}
	return nil
}

func (r *replaying) blame(d *derived, different []uuid.UUID, wrong map[string]bool) {
	for _, user := range different {
		if !d.except[user] && !r.unreadable[user] {
			wrong[user.String()] = true
		}
	}
}
