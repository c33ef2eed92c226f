package outbox

import (
	"sync"
	"time"
)

const rateWindow = 10 // seconds

// rate counts events over the last ten full seconds.
type rate struct {
	mu     sync.Mutex
	counts [rateWindow + 1]int // by second, the current one included
	second int64
}

func (r *rate) add(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.advance()
	r.counts[r.second%int64(len(r.counts))] += n
}

func (r *rate) perSecond() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.advance()
	sum := 0
	for _, n := range r.counts {
		sum += n
	}
	return float64(sum) / rateWindow
}

// advance forgets the seconds that have left the window.
func (r *rate) advance() {
	now := time.Now().Unix()
	for s := max(r.second+1, now-rateWindow); s <= now; s++ {
		r.counts[s%int64(len(r.counts))] = 0
	}
	r.second = now
}
