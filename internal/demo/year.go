package demo

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
)

// Year says whose year it is.
type Year struct {
	People int       // who join in the course of it
	Ends   time.Time // usually now
	Seed   uint64
}

// days are what a year has here.
const days = 365

// Write makes it up, in order of time. It returns how many events there were.
func (y Year) Write(to io.Writer) (events int, err error) {
	out := bufio.NewWriter(to)
	w := writer{to: out, ids: y.rng(1), users: make(map[uuid.UUID]domain.User)}
	for _, p := range y.plan() {
		if err := w.carryOut(p); err != nil {
			return w.events, err
		}
	}
	return w.events, out.Flush()
}

func (y Year) rng(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(y.Seed, stream)) } //nolint:gosec // made up is what it is to be

// planned is something that is tried at its time.
type planned struct {
	at       time.Time
	user     uuid.UUID
	actor    string
	command  domain.Command
	activity domain.Activity // instead of a command
}

func (y Year) plan() []planned {
	p := planner{Rand: y.rng(0), begins: y.Ends.AddDate(0, 0, -days).Truncate(time.Microsecond), ends: y.Ends}
	p.robot()
	for n := range y.People {
		p.life(n)
	}
	p.spammers()
	p.forgottenAdmin()
	slices.SortStableFunc(p.all, func(a, b planned) int { return a.at.Compare(b.at) })
	return p.all
}

// planner thinks up lives.
type planner struct {
	*rand.Rand
	begins, ends time.Time
	all          []planned
	people       []uuid.UUID // who have posts and followers
}

// at plans something, unless the year is over by then.
func (p *planner) at(when time.Time, user uuid.UUID, actor string, c domain.Command) {
	if when.Before(p.ends) {
		p.all = append(p.all, planned{at: when.Truncate(time.Microsecond), user: user, actor: actor, command: c})
	}
}

func (p *planner) reported(when time.Time, a domain.Activity) {
	if when.Before(p.ends) {
		p.all = append(p.all, planned{at: when.Truncate(time.Microsecond), user: a.Subject(), activity: a})
	}
}

// day is a moment of a day of the year, by daylight, and on a weekday five times in six.
func (p *planner) day(n int) time.Time {
	day := p.begins.AddDate(0, 0, n)
	if w := day.Weekday(); (w == time.Saturday || w == time.Sunday) && p.IntN(6) > 0 {
		day = day.AddDate(0, 0, 2)
	}
	return day.Add(p.upTo(14 * time.Hour))
}

// upTo is a span of time below a limit.
func (p *planner) upTo(limit time.Duration) time.Duration {
	return time.Duration(p.Int64N(int64(limit)))
}

// later is some days after a moment: often few, seldom many.
func (p *planner) later(than time.Time, daysOnAverage float64) time.Time {
	return than.Add(time.Duration(p.ExpFloat64() * daysOnAverage * 24 * float64(time.Hour)))
}

// id is of version 7, of its moment, as the service would have made it.
func (p *planner) id(at time.Time) uuid.UUID { return idAt(at, p.Rand) }

func idAt(at time.Time, rng *rand.Rand) (id uuid.UUID) {
	for i := range id {
		id[i] = byte(rng.UintN(256))
	}
	for i, ms := 5, at.UnixMilli(); i >= 0; i-- {
		id[i] = byte(ms)
		ms >>= 8
	}
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
	return id
}

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

func email(address string) domain.Email {
	e, err := domain.ParseEmail(address)
	if err != nil {
		panic(fmt.Sprintf("%q: %v", address, err)) // they are put together here
	}
	return e
}
