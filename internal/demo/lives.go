package demo

import (
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
)

const support = "support-desk"

// The first few are the founders: there from the start, and each with a role.
const founders = 12

// life is what happens to one person: more join towards the end of the year than at its beginning.
func (p *planner) life(n int) {
	joins := p.day(int(math.Pow(p.Float64(), 0.65) * days))
	if n < founders {
		joins = p.day(n)
	}
	id, who := p.id(joins), p.somebody()
	address := fmt.Sprintf("%s%d@%s", who.address, n, pick(p.Rand, providers))
	p.at(joins, id, "sign-up", domain.CreateUser{Email: email(address), FirstName: domain.Name(who.first), LastName: domain.Name(who.last)})
	p.people = append(p.people, id)
	if n < founders {
		p.at(joins.Add(p.upTo(time.Hour)), id, "team-lead", domain.GrantRole{Role: pick(p.Rand, []domain.Role{"admin", "editor", "moderator"})})
	}
	p.changes(id, joins, n, who)
	p.trouble(id, joins)
	p.activity(id, joins)
	if p.IntN(30) == 0 {
		p.at(p.later(joins, 120), id, "account-page", domain.DeleteUser{Reason: pick(p.Rand, farewells)})
	}
}

func (p *planner) changes(id uuid.UUID, since time.Time, n int, who person) {
	if p.IntN(8) == 0 {
		p.at(p.later(since, 90), id, "account-page", domain.ChangeEmail{Email: email(fmt.Sprintf("%s%d@%s", who.address, n, pick(p.Rand, employers)))})
	}
	if p.IntN(15) == 0 {
		last := domain.Name(pick(p.Rand, lastNames))
		display := domain.Name(who.first + " " + string(last))
		p.at(p.later(since, 150), id, "account-page", domain.ChangeProfile{LastName: &last, DisplayName: &display})
	}
	if p.IntN(12) == 0 {
		p.career(id, p.later(since, 60))
	}
}

// career is a role, perhaps the next one, and perhaps the end of it.
func (p *planner) career(id uuid.UUID, from time.Time) {
	for _, role := range []domain.Role{"author", "editor", "moderator", "admin"}[:1+min(p.IntN(5), p.IntN(5), 3)] {
		p.at(from, id, "team-lead", domain.GrantRole{Role: role})
		if p.IntN(3) == 0 {
			p.at(p.later(from, 60), id, "team-lead", domain.RevokeRole{Role: role})
		}
		from = p.later(from, 45)
	}
}

// trouble is a suspension, and mostly its end.
func (p *planner) trouble(id uuid.UUID, since time.Time) {
	if p.IntN(20) > 0 {
		return
	}
	from := p.later(since, 70)
	p.at(from, id, support, domain.Suspend{Reason: pick(p.Rand, complaints)})
	if p.IntN(4) > 0 {
		p.at(p.later(from, 9), id, support, domain.Reactivate{})
	}
}

// activity is what a few do a lot and most hardly ever: posts, and who follows whom.
func (p *planner) activity(id uuid.UUID, since time.Time) {
	for range int(math.Min(80, 2/math.Pow(p.Float64(), 0.9))) {
		p.reported(p.later(since, 100), domain.PostCreated{AuthorID: id})
	}
	for range p.IntN(12) {
		whom := p.people[int(math.Pow(p.Float64(), 3)*float64(len(p.people)))]
		if at := p.later(since, 80); whom != id {
			p.reported(at, domain.UserFollowed{FollowerID: id, FollowedUserID: whom})
			if p.IntN(9) == 0 {
				p.reported(p.later(at, 30), domain.UserUnfollowed{FollowerID: id, FollowedUserID: whom})
			}
		}
	}
}

// robot answers at night: it is put on call every evening and taken off every morning, and then some.
func (p *planner) robot() {
	id := p.id(p.begins)
	p.at(p.begins, id, "platform", domain.CreateUser{Email: email("robot@support.example"), DisplayName: "Support Robot"})
	for day := range days {
		evening := p.begins.AddDate(0, 0, day).Add(20 * time.Hour)
		for n, c := range []domain.Command{domain.GrantRole{Role: "on-call"}, domain.GrantRole{Role: "night-shift"}, domain.RevokeRole{Role: "night-shift"}, domain.RevokeRole{Role: "on-call"}} {
			p.at(evening.Add(time.Duration(n)*3*time.Hour), id, "rota", c)
		}
	}
}

// spammers come on a Saturday night, two months ago, and are gone by Sunday noon.
func (p *planner) spammers() {
	night := p.ends.AddDate(0, -2, 0).Truncate(24 * time.Hour)
	for night.Weekday() != time.Saturday {
		night = night.AddDate(0, 0, -1)
	}
	for n := range 60 {
		joins := night.Add(23*time.Hour + p.upTo(3*time.Hour))
		id := p.id(joins)
		p.at(joins, id, "sign-up", domain.CreateUser{Email: email(fmt.Sprintf("deal%d@bargains.example", n)), DisplayName: domain.Name(fmt.Sprintf("Best Deal %d", n))})
		for range 5 {
			p.reported(joins.Add(p.upTo(6*time.Hour)), domain.PostCreated{AuthorID: id})
		}
		p.at(night.Add(34*time.Hour+p.upTo(2*time.Hour)), id, support, domain.Suspend{Reason: "Spam, in the night from Saturday to Sunday"})
	}
}

// forgottenAdmin is somebody whom only time travel finds.
func (p *planner) forgottenAdmin() {
	joins := p.begins.AddDate(0, 1, 3).Add(9 * time.Hour)
	id := p.id(joins)
	p.at(joins, id, "sign-up", domain.CreateUser{Email: email("max.mustermann@agency.example"), FirstName: "Max", LastName: "Mustermann"})
	p.at(joins.AddDate(0, 3, 0), id, "team-lead", domain.GrantRole{Role: "admin"})
	p.at(joins.AddDate(0, 3, 9), id, "security-review", domain.RevokeRole{Role: "admin"})
}
