package outbox

import "time"

const (
	// Lists that are behind by so little disturb nobody, and a burst that is over soon is not held up.
	tolerated = 50 * time.Millisecond
	// Of what is beyond that, a batch of appends waits this part, which finds its level: a part as large as a quarter swings to
	// and fro, and leaves processors idle in between.
	ofTheRest = 16
	// With this pause full batches are still more than two thousand commands a second.
	longestPause = 100 * time.Millisecond
	// A relay that is further behind has an import to work off, or has stood still: that is not a matter of pace.
	furthest = 30 * time.Second
	// So long a batch is believed. A relay that has handled none since is done, or held up, or it is another replica's turn.
	believed = 2 * time.Second
)

// behind is the age of the oldest event of a batch when that was committed.
type behind struct {
	age  time.Duration
	told time.Time
}

// Pace says how long a batch of appends should wait first, for the relay to keep up (back-pressure): nothing, unless this process
// works the subscription and is behind. What a projection makes of commands is dearer than to append them, and they share
// processors: otherwise clients could go on for hours at a rate at which lists fall behind more and more. After the
// database's clock was set back events are as good as new, and nobody waits.
func (r *Relay) Pace() time.Duration {
	b := r.behind.Load()
	if b == nil || b.age > furthest || time.Since(b.told) > believed {
		return 0
	}
	return min(max(0, b.age-tolerated)/ofTheRest, longestPause)
}
