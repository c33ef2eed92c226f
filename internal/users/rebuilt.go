package users

import (
	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/tuples"
)

// RebuiltSnapshots folds users from their first event, one after the other, and gathers snapshots of them.
type RebuiltSnapshots struct {
	keep func(id uuid.UUID, version int) bool
	view View
	rows tuples.Rows
}

// NewRebuiltSnapshots keeps those of the versions that keep wants, which is asked about each in turn.
func NewRebuiltSnapshots(keep func(id uuid.UUID, version int) bool) *RebuiltSnapshots {
	return &RebuiltSnapshots{keep: keep}
}

// Schema is that of all snapshots that this build makes, and reads.
func (s *RebuiltSnapshots) Schema() int32 { return snapshotSchema }

// Begin turns to the next user.
func (s *RebuiltSnapshots) Begin(user uuid.UUID) { s.view = View{User: domain.NewUser(user)} }

// Add folds in the user's next event. Events of other domains are in no snapshot.
func (s *RebuiltSnapshots) Add(e eventstore.Recorded) (err error) {
	if e.StreamType != domain.StreamType {
		return nil
	}
	if s.view, err = apply(s.view, e); err != nil || !s.keep(s.view.User.ID, s.view.User.Version) {
		return err
	}
	snapshot, err := encodeSnapshot(s.view)
	if err == nil {
		s.rows.Begin(6).UUID(snapshot.StreamID).Int4(int(snapshot.Schema)).Int4(snapshot.Version).Int8(snapshot.Position).
			Time(snapshot.RecordedAt).JSON(snapshot.State)
	}
	return err
}

// Pass does nothing: what is given up in a projection is in the user all the same.
func (s *RebuiltSnapshots) Pass(eventstore.Recorded) {}

// End does nothing: a user is no row.
func (s *RebuiltSnapshots) End() {}

// Take hands over the rows gathered so far, in the order of the table's columns.
func (s *RebuiltSnapshots) Take() []tuples.Rows { return []tuples.Rows{s.rows.Take()} }
