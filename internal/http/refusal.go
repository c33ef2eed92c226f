package httpapi

import (
	"context"
	"errors"

	"github.com/usersvc/usersvc/internal/activity"
	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/feed"
	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/rebuild"
	"github.com/usersvc/usersvc/internal/users"
)

// The errors that say all by being what they are. The first that is in the chain counts: an outcome
// is unknown because something was unavailable.
var refusals = []struct {
	err     error
	refusal problem
}{
	{users.ErrOutcomeUnknown, problem{code: "outcome_unknown", detail: "The command may or may not have happened."}},
	{users.ErrKeyReused, problem{code: "idempotency_key_reused", detail: "The Idempotency-Key was used before, for another request."}},
	{users.ErrKeyInFlight, problem{code: "request_in_flight", detail: "The first request with this Idempotency-Key is still running."}},
	{users.ErrNotYetExisting, problem{code: "not_yet_existing", detail: "The user did not exist at that point."}},
	{users.ErrInFuture, problem{code: "as_of_in_future", detail: "The point in time has not come yet."}},
	{users.ErrNoSuchVersion, problem{code: "invalid_parameter", detail: "The user has no such version yet."}},
	{users.ErrNoSuchPosition, problem{code: "invalid_parameter", detail: "The log has no such position yet."}},
	{users.ErrBackwards, problem{code: "invalid_parameter", detail: "from is later than to."}},
	{projections.ErrLagging, problem{code: "projection_lagging", detail: "The projection did not reach the position in time."}},
	{outbox.ErrNoSubscription, problem{code: "projection_not_found", detail: "There is no projection with this name."}},
	{rebuild.ErrRunning, problem{code: "rebuild_running", detail: "A rebuild of this projection is running already."}},
	{rebuild.ErrUnavailable, unavailable},
	{outbox.ErrNoDeadLetter, problem{code: "dead_letter_not_found", detail: "There is no dead letter with this id."}},
	{outbox.ErrNotFirst, problem{code: "not_first_in_queue", detail: "An earlier event of the same user has to be settled first."}},
	{activity.ErrOutcomeUnknown, problem{code: "outcome_unknown", detail: "The event may or may not have been kept."}},
	{feed.ErrAhead, problem{code: "position_ahead", detail: "The log ends before this position."}},
	{feed.ErrBusy, problem{code: "unavailable", detail: "As many clients wait for events already as this process takes."}},
	{feed.ErrClosed, problem{code: "unavailable", detail: "The service is stopping. Come back for the rest."}},
	{errNobodyKnown, problem{code: "unavailable", detail: "The keys of the issuer of tokens cannot be read at the moment."}},
	{feed.ErrUnavailable, unavailable},
	{activity.ErrUnavailable, unavailable},
	{users.ErrUnavailable, unavailable},
	{outbox.ErrUnavailable, unavailable},
	{context.DeadlineExceeded, unavailable},
	{context.Canceled, unavailable},
}

var unavailable = problem{code: "unavailable", detail: "The service cannot answer at the moment. Nothing was changed."}

// refusalOf says what a client is told of an error. What is not known here is a bug, and nothing of
// its text gets out.
func refusalOf(err error) *problem {
	if p := new(problem); errors.As(err, &p) {
		return p
	}
	if rule := new(domain.Error); errors.As(err, &rule) {
		return refusalOfRule(rule)
	}
	if failed := new(users.PreconditionFailed); errors.As(err, &failed) {
		return &problem{code: "precondition_failed", detail: "The user has another version than If-Match asks for.", current: failed.Current}
	}
	if lost := new(users.VersionConflict); errors.As(err, &lost) {
		return &problem{code: "version_conflict", detail: "Other writers were faster every time. Nothing was changed.", current: lost.Current}
	}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return &r.refusal
		}
	}
	return &problem{code: "internal", detail: "The service failed. The requestId finds what happened in its log."}
}

// refusalOfRule passes on what the domain said: its codes are those of the contract.
func refusalOfRule(rule *domain.Error) *problem {
	if rule.Kind != domain.Invalid {
		return &problem{code: rule.Code, detail: rule.Message}
	}
	var wrong faults
	wrong.add(rule.Field, rule.Code, rule.Message)
	return wrong.refusal()
}

func invalidParameter(name, detail string) *problem {
	return &problem{code: "invalid_parameter", detail: name + " " + detail}
}
