package outbox

import "time"

const (
	// Lists that are behind by so little disturb nobody, and a burst that is over soon is not held up.
	tolerated = 50 * time.Millisecond
	// Of what is beyond that, appends wait this part, which finds its level: one as large as a quarter swings to and fro, and
	// leaves processors idle in between.
	ofTheRest = 16
	// More would be noticed by whoever sent the command, and not help: the relay has an import to work off then, or a slow disk.
	longestPause = 40 * time.Millisecond
)

// Pace says how long an append that carries several commands should wait first, for the relay to keep up (back-pressure):
// nothing, unless this process works the subscription and is behind. What a projection makes of commands is dearer than to
// append them, and they share processors: otherwise clients could go on for hours at a rate at which lists fall behind more
// and more. Now they are as fast as both of it can be done.
func (r *Relay) Pace() time.Duration {
	beyond := time.Duration(r.behind.Load()) - tolerated
	return min(max(0, beyond/ofTheRest), longestPause)
}
