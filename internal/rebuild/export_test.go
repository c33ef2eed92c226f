package rebuild

import "time"

// Hurry has a rebuild ended that is idle for seconds. It is to be called before any begins.
func Hurry() { longestIdle, lookEvery = 8*time.Second, time.Second }

// EventsTogetherAlone is of how many events the rows are held in memory, at most.
const EventsTogetherAlone = eventsTogetherAlone
