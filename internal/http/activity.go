package httpapi

import (
	"errors"
	"net/http"

	"github.com/usersvc/usersvc/internal/activity"
)

// verdict says what became of one event. ID is that of the event, null when it has none that can be.
type verdict struct {
	ID      *string          `json:"id"`
	Status  string           `json:"status"` // accepted, duplicate or rejected
	Problem *problemDocument `json:"problem,omitzero"`
}

// takeEvents keeps those events of a request that can be kept, and answers for each, behind a gate.
func (a *api) takeEvents(g gate) func(*request) error {
	return func(r *request) error {
		mediaType, err := r.readReports()
		if err != nil {
			return err
		}
		if err := g.enter(r.Request); err != nil {
			return err
		}
		reported, err := r.reports(mediaType)
		if err != nil {
			return err
		}
		return a.answerReports(r, reported)
	}
}

func (a *api) answerReports(r *request, reported []*report) error {
	var valid []activity.Event
	for _, e := range reported {
		if len(e.wrong) == 0 {
			valid = append(valid, e.event)
		}
	}
	ctx, cancel := within(r.Request, commandTimeout)
	defer cancel()
	cause := activity.Cause(r.cause)
	cause.Source = "events"
	results, err := a.activity.Take(ctx, cause, valid)
	if err != nil {
		return err
	}
	var answer struct {
		Data []verdict `json:"data"`
	}
	answer.Data = make([]verdict, 0, len(reported))
	for _, e := range reported {
		result := e.wrong.err()
		if result == nil {
			result, results = results[0], results[1:]
		}
		answer.Data = append(answer.Data, a.verdict(r, e.id, result))
	}
	return writeJSON(r.w, http.StatusOK, answer)
}

func (a *api) verdict(r *request, id *string, result error) verdict {
	switch {
	case result == nil:
		return verdict{ID: id, Status: "accepted"}
	case errors.Is(result, activity.ErrDuplicate):
		return verdict{ID: id, Status: "duplicate"}
	}
	requestID, refusal := exchangeOf(r.Request).requestID, refusalOf(result)
	if kinds[refusal.code].status >= http.StatusInternalServerError { // the client is not at fault, and the line of the request says 200
		a.log.Warn().Err(result).Str("request", requestID).Msg("an event was not kept")
	}
	document := refusal.document(requestID)
	return verdict{ID: id, Status: "rejected", Problem: &document}
}
