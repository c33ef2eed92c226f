package torture

import (
	"math"

	"github.com/anishathalye/porcupine"
)

// A user seen as a register: its newest version, and the name that this gave it.
type registered struct {
	version int
	name    string
}

// asked is an operation: a read, or a write on the condition that the version is still this one.
type asked struct {
	user    int
	write   bool
	ifMatch int
	name    string
}

// told is its answer. That of a write may be a refusal, or missing.
type told struct {
	seen    registered
	refused bool // the version was another one
	missing bool
}

// never is when an operation ends whose answer is missing: it may take effect at any time, and if it takes
// effect after all others it might as well not have.
const never = math.MaxInt64

// register is what a user promises to those who read it by id and write it with If-Match.
var register = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		var byUser [][]porcupine.Operation
		for _, o := range history {
			for o.Input.(asked).user >= len(byUser) {
				byUser = append(byUser, nil)
			}
			byUser[o.Input.(asked).user] = append(byUser[o.Input.(asked).user], o)
		}
		return byUser
	},
	Init: func() any { return registered{1, "created"} },
	Step: func(state, input, output any) (bool, any) {
		now, in, out := state.(registered), input.(asked), output.(told)
		after := registered{now.version + 1, in.name}
		switch {
		case !in.write:
			return out.seen == now, now
		case out.refused:
			return now.version != in.ifMatch && out.seen.version == now.version, now
		case out.missing && now.version != in.ifMatch:
			return true, now
		case out.missing:
			return true, after
		}
		return now.version == in.ifMatch && out.seen == after, after
	},
}
