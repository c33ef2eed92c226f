package projections

import (
	"math"
	"time"

	"github.com/usersvc/usersvc/internal/eventstore"
)

// Moment is a place of the log that a read of the past looks at.
type Moment struct {
	eventstore.Place
	sought bool // the position is not known, and RecordedAt is an instant
}

// At is a place that is known.
func At(place eventstore.Place) Moment { return Moment{Place: place} }

// AsOf is the newest place that was recorded at or before an instant. The read finds it on its way, which saves a round
// trip; it is for instants at which nothing more can be recorded.
func AsOf(instant time.Time) Moment { return Moment{eventstore.Place{RecordedAt: instant}, true} }

// query selects the place. The arguments are an instant that no event of the moment is behind, and more if need be.
func (m Moment) query(arg func(any) string) (sql, instant string) {
	instant = arg(m.RecordedAt)
	if m.sought {
		return "SELECT position, recorded_at FROM eventlog.place_at(" + instant + ")", instant
	}
	return "SELECT " + arg(m.Position) + "::bigint AS position, " + instant + "::timestamptz AS recorded_at", instant
}

// through is the last position that may be of the moment, if its time allows it.
func (m Moment) through() int64 {
	if m.sought {
		return math.MaxInt64
	}
	return m.Position
}
