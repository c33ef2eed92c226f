package users

import (
	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/tuples"
)

// RebuiltClaims folds users from their first event, one after the other, and gathers the claims that those
// who live must hold.
type RebuiltClaims struct {
	view   View
	failed bool // the user holds nobody knows what
	rows   tuples.Rows
}

// Begin turns to the next user.
func (c *RebuiltClaims) Begin(user uuid.UUID) {
	c.view, c.failed = View{User: domain.NewUser(user)}, false
}

// Add folds in the user's next event. Events of other domains claim nothing.
func (c *RebuiltClaims) Add(e eventstore.Recorded) (err error) {
	if e.StreamType == domain.StreamType {
		c.view, err = apply(c.view, e)
		c.failed = c.failed || err != nil
	}
	return err
}

// Pass does nothing: what is given up in a projection holds for claims all the same.
func (c *RebuiltClaims) Pass(eventstore.Recorded) {}

// Claim is what the user must hold; ok is false if it is nothing.
func (c *RebuiltClaims) Claim() (claim eventstore.Claim, ok bool) {
	address := c.view.User.Address()
	return emailClaim(address), address != "" && !c.failed
}

// End gathers the user's claim.
func (c *RebuiltClaims) End() {
	if claim, ok := c.Claim(); ok {
		c.rows.Begin(3).Text(claim.Scope).Text(claim.Key).UUID(c.view.User.ID)
	}
}

// Take hands over the rows gathered so far, in the order of the table's columns.
func (c *RebuiltClaims) Take() []tuples.Rows { return []tuples.Rows{c.rows.Take()} }
