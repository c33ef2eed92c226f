package eventstore

import (
	"context"
	"fmt"
)

// AppendAll appends commands that share nothing but their order: each is stored or refused by itself,
// and errs says of each what Append would. Those that are stored stand in the log in the order of
// commands, and once one was not sent for want of time or room, none after it is.
func (l *Log) AppendAll(ctx context.Context, commands []Command) (errs []error) {
	errs = make([]error, len(commands))
	all := make([]*pending, len(commands))
	for i, c := range commands {
		all[i] = newPending(c)
	}
	if lead := l.w.queue.pushAll(all, ctx.Err()); lead {
		l.w.lead(ctx)
	}
	for i, p := range all {
		select {
		case o := <-p.done:
			errs[i] = o.err
		case <-ctx.Done():
			withdrawAll(all[i:], errs[i:], ctx.Err())
			return errs
		}
	}
	return errs
}

// withdrawAll begins at the end, as whoever sends commands takes them from the front: nothing is sent
// behind a command that was withdrawn.
func withdrawAll(all []*pending, errs []error, why error) {
	for i := len(all) - 1; i >= 0; i-- {
		_, errs[i] = all[i].withdraw(why)
	}
}

// pushAll is push for several commands. Once one is refused, or if there is no time left, so are those
// behind it.
func (q *queue) pushAll(all []*pending, late error) (lead bool) {
	var refused error
	if late != nil {
		refused = fmt.Errorf("%w: %w", ErrUnavailable, late)
	}
	for _, p := range all {
		first := false
		if refused == nil {
			first, refused = q.push(p)
		}
		if refused != nil {
			p.answer(Appended{}, refused)
		}
		lead = lead || first
	}
	return lead
}
