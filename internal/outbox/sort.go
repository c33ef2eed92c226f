package outbox

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/eventstore"
)

// Letter is an event that does not take effect now.
type Letter struct {
	Event eventstore.Recorded
	User  uuid.UUID // whom it is about
	Err   error     // why it failed; nil: it waits behind such an event of the same user
}

// sort handles events and returns those that have to be parked: the first that fails of each user,
// and the later ones of the same user. It halves the users until it has found the ones at fault, so
// that the others cost no more than a few calls. An error is the database's, and nobody's fault.
func (r *Relay) sort(ctx context.Context, tx pgx.Tx, users [][]eventstore.Recorded) ([]Letter, error) {
	if len(users) == 0 {
		return nil, nil
	}
	err := r.attempt(ctx, tx, inOrder(users))
	switch {
	case err == nil:
		return nil, nil
	case !isHandlersFault(err):
		return nil, err
	case len(users) == 1:
		return r.findFailing(ctx, tx, users[0])
	}
	half := len(users) / 2
	parked, err := r.sort(ctx, tx, users[:half])
	if err != nil {
		return nil, err
	}
	more, err := r.sort(ctx, tx, users[half:])
	return append(parked, more...), err
}

// findFailing handles the events of one user up to the first that fails.
func (r *Relay) findFailing(ctx context.Context, tx pgx.Tx, events []eventstore.Recorded) ([]Letter, error) {
	for i := range events {
		err := r.attempt(ctx, tx, events[i:i+1])
		switch {
		case err == nil:
		case isHandlersFault(err):
			return r.letters(events[i:], err), nil
		default:
			return nil, err
		}
	}
	return nil, nil
}

// letters parks events of one user of which the first failed; without an error all of them wait.
func (r *Relay) letters(events []eventstore.Recorded, err error) []Letter {
	parked := make([]Letter, 0, len(events))
	for i, e := range events {
		l := Letter{Event: e, User: r.sub.UserOf(e)}
		if i == 0 {
			l.Err = err
		}
		parked = append(parked, l)
	}
	return parked
}

// attempt calls the handler so that nothing remains of it when it fails.
func (r *Relay) attempt(ctx context.Context, tx pgx.Tx, events []eventstore.Recorded) error {
	savepoint, err := tx.Begin(ctx)
	if err != nil {
		return err
	}
	if err := r.handle(ctx, savepoint, events); err != nil {
		return errors.Join(err, savepoint.Rollback(ctx))
	}
	return savepoint.Commit(ctx)
}

// handle calls the handler and tells its failures from the database's.
func (r *Relay) handle(ctx context.Context, tx pgx.Tx, events []eventstore.Recorded) error {
	err := r.sub.Handle(ctx, tx, events)
	if err == nil || isDatabaseFailure(tx, err) {
		return err
	}
	return &handlerError{err}
}

// byUser groups events by whom they are about, in their order.
func (r *Relay) byUser(events []eventstore.Recorded) [][]eventstore.Recorded {
	var users [][]eventstore.Recorded
	at := make(map[uuid.UUID]int)
	for _, e := range events {
		user := r.sub.UserOf(e)
		i, known := at[user]
		if !known {
			i = len(users)
			at[user] = i
			users = append(users, nil)
		}
		users[i] = append(users[i], e)
	}
	return users
}

func inOrder(users [][]eventstore.Recorded) []eventstore.Recorded {
	events := slices.Concat(users...)
	slices.SortFunc(events, func(a, b eventstore.Recorded) int { return int(a.Position - b.Position) })
	return events
}
