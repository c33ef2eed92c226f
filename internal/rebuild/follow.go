package rebuild

import "context"

// FarBehind is how many events a subscription lacks at least, and a third of the log, when folding all of that takes it to the
// end sooner than its relay does: one handles some tens of thousands a second, the other about three times as many.
const FarBehind = 50_000

// through is the position up to which users are folded. Positions up to the end of the log never change,
// so it needs no snapshot of the database. A subscription that is far behind, or nowhere in the log, is held meanwhile, and
// there is nothing to compare with; of any other it is where that one is.
func (r *Run) through(ctx context.Context) (position int64, err error) {
	head, err := r.look(ctx)
	if err != nil || r.target.Live == nil {
		return head, err
	}
	if r.held, err = r.target.Live.PutBack(ctx, r.tx); err != nil || r.held {
		return head, err
	}
	checkpoint, err := r.target.Live.Checkpoint(ctx, r.tx)
	if err != nil || head-checkpoint < max(FarBehind, head/3) {
		return checkpoint, err
	}
	r.held = true
	return head, r.target.Live.Hold(ctx, r.tx)
}

const selectHead = `
SELECT COALESCE(max(position), 0), COALESCE(max(recorded_at) < clock_timestamp() - interval '1 second', true)
FROM (SELECT position, recorded_at FROM eventlog.events ORDER BY position DESC LIMIT 1) newest`

// look returns where the log ends, and sees whether others write.
func (r *Run) look(ctx context.Context) (head int64, err error) {
	var alone bool
	err = r.tx.QueryRow(ctx, selectHead).Scan(&head, &alone)
	r.way.alone.Store(alone)
	return head, err
}

const comparing = "comparing" // a phase

// comparable says whether the live tables are at some position, too.
func (r *Run) comparable() bool { return r.target.Shadow != nil && !r.held }

// follow takes the shadow to where the live subscription is, and compares them there, if that has not been done near enough.
func (r *Run) follow(ctx context.Context) error {
	if !r.comparable() {
		return nil
	}
	position, err := r.catchUp(ctx, "catching up")
	if err != nil || r.different != nil && position-r.compared <= comparedTogether {
		return err
	}
	r.progress.at(comparing, position)
	return r.compareAll(ctx, position)
}

// catchUp brings the shadow to where the live subscription is, but for the last few events.
func (r *Run) catchUp(ctx context.Context, phase string) (position int64, err error) {
	for {
		checkpoint, err := r.target.Live.Checkpoint(ctx, r.tx)
		if err != nil {
			return 0, err
		}
		r.progress.at(phase, checkpoint)
		behind := checkpoint - position
		if err := r.target.Shadow.Drain(ctx, r.tx, checkpoint); err != nil {
			return 0, err
		}
		position = checkpoint
		r.progress.done(position)
		if behind < fewEvents {
			return position, nil
		}
	}
}

// So many are handled in some hundredths of a second, for which the live subscription can wait.
const fewEvents = 1000
