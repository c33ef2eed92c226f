package projections

import (
	"errors"
	"fmt"
)

var (
	// ErrLagging says that the projection did not reach the wanted position in time.
	ErrLagging = errors.New("the projection has not reached the position yet")
	// ErrUnavailable says that the database did not answer a query; nothing is wrong with the query.
	ErrUnavailable = errors.New("user_profiles cannot be read at the moment")
)

func unavailable(err error) error { return fmt.Errorf("%w: %w", ErrUnavailable, err) }
