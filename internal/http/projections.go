package httpapi

import (
	"context"
	"math"
	"net/http"

	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/rebuild"
)

// projection is where a projection stands.
type projection struct {
	Name       string      `json:"name"`
	Status     string      `json:"status"`
	Position   int64       `json:"position"`
	Head       int64       `json:"head"`
	LagEvents  int64       `json:"lagEvents"`
	LagSeconds float64     `json:"lagSeconds"`
	Rate       float64     `json:"rate"`
	Parked     int64       `json:"parked"`
	LastError  *string     `json:"lastError"`
	Rebuild    *rebuilding `json:"rebuild"`
}

// rebuilding is the last rebuild of a projection, or the one under way.
type rebuilding struct {
	State       string   `json:"state"`
	Phase       string   `json:"phase"`
	Processed   int64    `json:"processed"`
	Total       int64    `json:"total"`
	Rate        float64  `json:"rate"`
	ETASeconds  *float64 `json:"etaSeconds"`
	Differences *int     `json:"differences"`
	Error       *string  `json:"error"`
	StartedAt   stamp    `json:"startedAt"`
	SeenAt      stamp    `json:"seenAt"`
}

func newRebuilding(s rebuild.Status) *rebuilding {
	r := &rebuilding{
		State: s.State, Phase: s.Phase, Processed: s.Processed, Total: s.Total, Rate: math.Round(10*s.Rate()) / 10,
		Differences: s.Differences, Error: s.Error, StartedAt: stamp(s.StartedAt), SeenAt: stamp(s.SeenAt),
	}
	if eta := s.ETA().Seconds(); eta > 0 {
		r.ETASeconds = &eta
	}
	return r
}

func (a *api) newProjection(ctx context.Context, s outbox.Status) (projection, error) {
	p := projection{
		Name: s.Name, Status: s.State, Position: s.Position, Head: s.Head, LagEvents: s.LagEvents,
		LagSeconds: s.LagSeconds, Rate: s.Rate, Parked: s.Parked,
	}
	if s.LastError != "" {
		p.LastError = &s.LastError
	}
	last, ok, err := a.rebuilds.Status(ctx, s.Name)
	if err != nil || !ok {
		return p, err
	}
	if p.Rebuild = newRebuilding(last); last.State == rebuild.Running {
		p.Status = "rebuilding"
	}
	return p, nil
}

func (a *api) projections(r *request) error {
	ctx, cancel := within(r.Request, readTimeout)
	defer cancel()
	statuses, err := a.relay.Statuses(ctx)
	if err != nil {
		return err
	}
	var answer struct {
		Data []projection `json:"data"`
	}
	for _, s := range statuses {
		p, err := a.newProjection(ctx, s)
		if err != nil {
			return err
		}
		answer.Data = append(answer.Data, p)
	}
	return writeJSON(r.w, http.StatusOK, answer)
}

func (a *api) projection(r *request) error {
	name, err := r.segment("name")
	if err != nil {
		return err
	}
	return a.writeProjection(r, http.StatusOK, name)
}

func (a *api) writeProjection(r *request, status int, name string) error {
	ctx, cancel := within(r.Request, readTimeout)
	defer cancel()
	standing, err := a.relay.Status(ctx, name)
	if err != nil {
		return err
	}
	p, err := a.newProjection(ctx, standing)
	if err != nil {
		return err
	}
	return writeJSON(r.w, status, p)
}

// rebuild begins a rebuild, which goes on after the answer.
func (a *api) rebuild(r *request) error { return a.changeRebuild(r, a.rebuilds.Start) }

// cancelRebuild has it ended in a moment, wherever it runs. When none does, there is nothing to do.
func (a *api) cancelRebuild(r *request) error { return a.changeRebuild(r, a.rebuilds.Cancel) }

func (a *api) changeRebuild(r *request, change func(ctx context.Context, name string) error) error {
	name, err := r.segment("name")
	if err != nil {
		return err
	}
	if err := r.emptyBody(); err != nil {
		return err
	}
	ctx, cancel := within(r.Request, readTimeout)
	defer cancel()
	if _, err := a.relay.Status(ctx, name); err != nil {
		return err
	}
	if err := change(ctx, name); err != nil {
		return err
	}
	return a.writeProjection(r, http.StatusAccepted, name)
}
