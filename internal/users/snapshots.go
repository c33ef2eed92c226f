package users

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/usersvc/usersvc/internal/eventstore"
)

// snapshots saves snapshots off the request path. One that finds the queue full is not made: the next
// load that needs it makes it.
type snapshots struct {
	log    *eventstore.Log
	every  int
	logger zerolog.Logger
	due    chan View
	stop   chan struct{} // closed to end; due never is, as requests may outlast it
	done   chan struct{}
}

const (
	dueSnapshots  = 2048 // waiting; a kilobyte each
	savedTogether = 64
	saveTimeout   = 5 * time.Second
)

func newSnapshots(log *eventstore.Log, every int, logger zerolog.Logger) *snapshots {
	s := &snapshots{log: log, every: every, logger: logger, due: make(chan View, dueSnapshots), stop: make(chan struct{}), done: make(chan struct{})}
	go s.run()
	return s
}

// consider has a snapshot kept of after, if a multiple of the interval lies between the two versions.
func (s *snapshots) consider(before, after View) {
	if after.User.Version/s.every == before.User.Version/s.every {
		return
	}
	select {
	case s.due <- after:
	default:
	}
}

func (s *snapshots) unreadable(err error) {
	s.logger.Warn().Err(err).Msg("ignored a snapshot; it will be replaced")
}

func (s *snapshots) close(ctx context.Context) {
	close(s.stop)
	select {
	case <-s.done:
	case <-ctx.Done():
	}
}

// run saves what is due, and at the end what is still due then.
func (s *snapshots) run() {
	defer close(s.done)
	for {
		select {
		case view := <-s.due:
			s.save(view)
		case <-s.stop:
			for len(s.due) > 0 {
				s.save(<-s.due)
			}
			return
		}
	}
}

// save stores a snapshot together with others that are due.
func (s *snapshots) save(view View) {
	batch := map[state]View{view.state(): view} // one statement takes a row only once
	for len(batch) < savedTogether && len(s.due) > 0 {
		view := <-s.due
		batch[view.state()] = view
	}
	encoded := make([]eventstore.Snapshot, 0, len(batch))
	for _, v := range batch {
		e, err := encodeSnapshot(v)
		if err != nil {
			s.logger.Error().Err(err).Msg("a snapshot cannot be encoded")
			continue
		}
		encoded = append(encoded, e)
	}
	ctx, cancel := context.WithTimeout(context.Background(), saveTimeout)
	defer cancel()
	if err := s.log.SaveSnapshots(ctx, encoded); err != nil {
		s.logger.Warn().Err(err).Int("snapshots", len(encoded)).Msg("snapshots were not saved")
	}
}

type state struct {
	user    uuid.UUID
	version int
}

func (v View) state() state { return state{v.User.ID, v.User.Version} }
