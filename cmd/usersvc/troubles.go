package main

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	httpapi "github.com/usersvc/usersvc/internal/http"
)

// So many of the latest warnings and errors are kept, to be looked at where nobody can look at the log.
const troublesKept = 50

// troubles listens to the log.
type troubles struct {
	mu     sync.Mutex
	oldest int
	kept   []httpapi.LoggedError
}

// Write is for lines without a level, which there are none of.
func (*troubles) Write(line []byte) (int, error) { return len(line), nil }

// WriteLevel keeps a line if it is bad.
func (t *troubles) WriteLevel(level zerolog.Level, line []byte) (int, error) {
	if level < zerolog.WarnLevel {
		return len(line), nil
	}
	var said struct {
		Time           time.Time
		Message, Error string
	}
	if json.Unmarshal(line, &said) != nil {
		return len(line), nil
	}
	t.keep(httpapi.LoggedError{At: httpapi.Instant(said.Time), Level: level.String(), Message: said.Message, Error: said.Error})
	return len(line), nil
}

func (t *troubles) keep(e httpapi.LoggedError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.kept) < troublesKept {
		t.kept = append(t.kept, e)
		return
	}
	t.kept[t.oldest] = e
	t.oldest = (t.oldest + 1) % troublesKept
}

func (t *troubles) newestFirst() []httpapi.LoggedError {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := slices.Concat(t.kept[t.oldest:], t.kept[:t.oldest])
	slices.Reverse(all)
	return all
}
