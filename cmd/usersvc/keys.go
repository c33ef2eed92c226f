package main

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/eventstore"
)

// Keys are promised for 24 hours; forgetting them some minutes late does no harm.
const forgetEvery = 10 * time.Minute

// forgetKeys forgets old idempotency keys now and then, until ctx ends.
func forgetKeys(ctx context.Context, log *eventstore.Log, logger zerolog.Logger) {
	tick := time.NewTicker(forgetEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for n := int64(1); n > 0; {
			var err error
			if n, err = log.ForgetKeys(ctx); err != nil {
				logger.Warn().Err(err).Msg("old idempotency keys were not forgotten")
				break
			}
		}
	}
}
