package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/user"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/projections"
)

type deadLettersCommand struct {
	List  listDeadLetters  `cmd:"" help:"Show what failed, and what waits behind it."`
	Retry retryDeadLetters `cmd:"" help:"Try one user's events again, or everybody's, in order."`
	Skip  skipDeadLetter   `cmd:"" help:"Give an event up, with your name and a reason on record."`
}

// Help has examples.
func (deadLettersCommand) Help() string {
	return `For example:

  usersvc dead-letters list --json | jq .error
  usersvc dead-letters retry
  usersvc dead-letters skip 01a202b2-c9e4-7c51-8f2b-6a0d3e9b5c14 --reason "written by a test build"

An event that is skipped is never shown by the projection; the log keeps it.`
}

// withRelay runs f with a relay of this process, which works on nothing by itself.
func (c *config) withRelay(ctx context.Context, f func(*outbox.Relay) error) error {
	return c.withPool(ctx, func(pool *pgxpool.Pool) error {
		return f(newRelay(pool, projections.NewProfiles(pool), nil, c.retry(), zerolog.Nop()))
	})
}

type listDeadLetters struct {
	Projection string `help:"Only those of one projection."`
	State      string `enum:",retrying,dead,waiting,skipped" default:"" help:"Only those in one state. Those skipped are shown only so."`
}

const lettersAtATime = 500

// Run shows dead letters in the order of the log.
func (l listDeadLetters) Run(ctx context.Context, c *config, stdout io.Writer) error {
	return c.withRelay(ctx, func(relay *outbox.Relay) error {
		if c.JSON {
			return l.each(ctx, relay, func(d outbox.DeadLetter) error { return json.NewEncoder(stdout).Encode(d) })
		}
		table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tPOSITION\tUSER\tTYPE\tSTATE\tTRIES\tNEXT TRY\tERROR")
		err := l.each(ctx, relay, func(d outbox.DeadLetter) error {
			_, err := fmt.Fprintf(table, "%s\t%d\t%s\t%s v%d\t%s\t%d\t%s\t%s\n",
				d.ID, d.Position, d.UserID, d.Type, d.SchemaVersion, d.State, d.Attempts, clock(d.NextTryAt), text(d.Error))
			return err
		})
		return errors.Join(err, table.Flush())
	})
}

func (l listDeadLetters) each(ctx context.Context, relay *outbox.Relay, show func(outbox.DeadLetter) error) error {
	var after outbox.LetterPlace
	for {
		letters, err := relay.DeadLetters(ctx, l.Projection, l.State, after, lettersAtATime)
		if err != nil {
			return err
		}
		for _, d := range letters {
			if err := show(d); err != nil {
				return err
			}
			after = d.Place()
		}
		if len(letters) < lettersAtATime {
			return nil
		}
	}
}

func clock(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

func text(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}

type retryDeadLetters struct {
	ID string `arg:"" optional:"" help:"A dead letter of the user that is meant. Default: everybody's."`
}

// Run tries events again and says what is left.
func (r retryDeadLetters) Run(ctx context.Context, c *config, stdout io.Writer) error {
	return c.withRelay(ctx, func(relay *outbox.Relay) error {
		if r.ID != "" {
			id, err := uuid.Parse(r.ID)
			if err != nil {
				return fmt.Errorf("%q is not the id of a dead letter", r.ID)
			}
			left, err := relay.Retry(ctx, id)
			return c.sayLeft(stdout, left, err)
		}
		users, err := relay.RetryAll(ctx)
		if err == nil {
			err = relay.RetryDue(ctx)
		}
		if err != nil {
			return err
		}
		letters, err := relay.DeadLetters(ctx, "", "", outbox.LetterPlace{}, lettersAtATime)
		if err != nil {
			return err
		}
		return c.answer(stdout, map[string]int64{"users": users, "parked": int64(len(letters))}, "tried the events of %d users again; %s", users, still(len(letters)))
	})
}

func still(letters int) string {
	switch letters {
	case 0:
		return "nothing is parked any more"
	case lettersAtATime:
		return fmt.Sprintf("%d events and more are still parked", letters)
	}
	return fmt.Sprintf("%d events are still parked", letters)
}

type skipDeadLetter struct {
	ID     string `arg:"" help:"The dead letter: the first of its user."`
	Reason string `required:"" help:"Why it is given up."`
	Actor  string `help:"Who gives it up. Default: the user of this machine."`
}

// Run gives an event up.
func (s skipDeadLetter) Run(ctx context.Context, c *config, stdout io.Writer) error {
	id, err := uuid.Parse(s.ID)
	if err != nil {
		return fmt.Errorf("%q is not the id of a dead letter", s.ID)
	}
	why, err := domain.ParseReason(s.Reason)
	if err != nil {
		return err
	}
	actor := s.Actor
	if actor == "" {
		me, err := user.Current()
		if err != nil {
			return fmt.Errorf("say --actor: %w", err)
		}
		actor = me.Username
	}
	return c.withRelay(ctx, func(relay *outbox.Relay) error {
		left, err := relay.Skip(ctx, id, actor, string(why))
		return c.sayLeft(stdout, left, err)
	})
}

func (c *config) sayLeft(stdout io.Writer, left int, err error) error {
	if err != nil {
		return err
	}
	return c.answer(stdout, map[string]int{"parked": left}, "%d events of this user are still parked", left)
}

// A rebuild that takes everything in at start holds the subscription meanwhile.
const reviveAgain = 5 * time.Second

// revive has dead events tried once more, at start, as this build may know what the one before did not,
// and then now and again, until ctx ends.
func revive(ctx context.Context, relay *outbox.Relay, every time.Duration, logger zerolog.Logger) {
	for {
		var again <-chan time.Time // never, with 0
		switch _, err := relay.RetryAll(ctx); {
		case err != nil:
			logger.Debug().Err(err).Msg("dead events could not be revived yet")
			again = time.After(reviveAgain)
		case every > 0:
			again = time.After(every)
		}
		select {
		case <-ctx.Done():
			return
		case <-again:
		}
	}
}
