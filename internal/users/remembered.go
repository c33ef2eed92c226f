package users

import (
	"context"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/projections"
)

// remembered is the user as last seen here, which may be out of date. One that is to be created is
// taken not to exist: the append knows better.
func (u *Users) remembered(r Request) (View, bool) {
	if view, ok := u.cache.Get(r.UserID); ok {
		return view, true
	}
	_, creates := r.Command.(domain.CreateUser)
	return View{User: domain.NewUser(r.UserID)}, creates
}

// appendRemembered appends, and asks beside it for the counters, which change without a command. An answer that is kept with
// a key needs them before.
func (u *Users) appendRemembered(ctx context.Context, r Request, view View, decided decision) (_ Result, err error) {
	if view.User.Version == 0 { // whom nobody has counted anything for
		return u.append(ctx, r, view, decided)
	}
	if r.Key != nil {
		if view.Activity, err = u.counters(ctx, r.UserID); err != nil {
			return Result{}, err
		}
		return u.append(ctx, r, view, decided)
	}
	counted := make(chan projections.Activity, 1)
	go func() {
		defer close(counted)
		if a, err := u.counters(ctx, r.UserID); err == nil {
			counted <- a
		}
	}()
	result, err := u.append(ctx, r, view, decided)
	if a, ok := <-counted; ok && err == nil {
		result.Activity = a
	}
	return result, err
}
