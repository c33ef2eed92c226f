package rebuild

import "time"

// Hurry has a rebuild ended that is idle for seconds. It is to be called before any begins.
func Hurry() { longestIdle, lookEvery = 8*time.Second, time.Second }
