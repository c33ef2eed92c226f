package eventstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/eventstore"
)

// strangers are commands on as many streams, some of them large.
func strangers(n int) []eventstore.Command {
	commands := make([]eventstore.Command, n)
	for i := range commands {
		commands[i] = command(newID(), 0, "Made")
		commands[i].Events[0].Data = []byte(`{"text": "` + strings.Repeat("x", i%7*500) + `"}`)
	}
	return commands
}

func streams(events []eventstore.Recorded) (ids []uuid.UUID) {
	for _, e := range events {
		ids = append(ids, e.StreamID)
	}
	return ids
}

func TestCommandsAppendedTogetherKeepTheirOrder(t *testing.T) {
	t.Parallel()
	log, pool := open(t)
	commands := strangers(1000)
	for i, err := range log.AppendAll(t.Context(), commands) {
		if err != nil {
			t.Fatalf("command %d: %v", i, err)
		}
	}
	checkPrefix(t, pool, commands, 1000)
}

// checkPrefix holds the log against the commands: the first n of them, and in their order.
func checkPrefix(t *testing.T, pool *pgxpool.Pool, commands []eventstore.Command, n int) {
	t.Helper()
	stored := streams(all(t, pool))
	if len(stored) != n {
		t.Fatalf("%d commands are stored, want %d", len(stored), n)
	}
	for i, id := range stored {
		if id != commands[i].StreamID {
			t.Fatalf("position %d has another command than the one sent there", i+1)
		}
	}
}

func TestOneOfManyFailsAlone(t *testing.T) {
	t.Parallel()
	log, pool := open(t)
	commands := strangers(5)
	mustAppend(t, log, commands[1])
	commands[1] = command(commands[1].StreamID, 0, "Made")
	commands[3].Events[0].Data = []byte(`{"text": "\u0000"}`) // which the database does not take
	errs := log.AppendAll(t.Context(), commands)
	var conflict *eventstore.VersionConflict
	if !errors.As(errs[1], &conflict) || errs[3] == nil {
		t.Errorf("a conflict and a refusal: %v", errs)
	}
	if errs[0] != nil || errs[2] != nil || errs[4] != nil || len(all(t, pool)) != 4 {
		t.Errorf("the others: %v", errs)
	}
}

// Whatever the moment at which the caller gives up: what is stored has no gap.
func TestNothingIsStoredBehindWhatWasWithdrawn(t *testing.T) {
	t.Parallel()
	log, pool := open(t)
	before := 0
	for round := range 30 {
		commands := strangers(1500)
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(round)*time.Millisecond)
		errs := log.AppendAll(ctx, commands)
		cancel()
		last := command(newID(), 0, "Made") // waits for the batch under way
		mustAppend(t, log, last)
		stored := streams(all(t, pool))[before:]
		for i, id := range stored[:len(stored)-1] {
			if id != commands[i].StreamID {
				t.Fatalf("round %d: the command stored as number %d was sent at another place", round, i+1)
			}
		}
		for i, err := range errs {
			isStored := i < len(stored)-1
			if isStored && errors.Is(err, eventstore.ErrUnavailable) || !isStored && err == nil {
				t.Fatalf("round %d: command %d of %d stored ones: %v", round, i+1, len(stored)-1, err)
			}
		}
		before += len(stored)
	}
}

func TestQueueThatIsFullTakesTheFirst(t *testing.T) {
	t.Parallel()
	log, pool := open(t)
	const room, more = 4096, 100
	commands := strangers(room + more)
	stored := 0
	for i, err := range log.AppendAll(t.Context(), commands) {
		switch {
		case err == nil && i == stored:
			stored++
		case !errors.Is(err, eventstore.ErrUnavailable):
			t.Fatalf("command %d: %v", i, err)
		}
	}
	if stored != room {
		t.Errorf("%d commands were taken, want %d", stored, room)
	}
	checkPrefix(t, pool, commands, stored)
}
