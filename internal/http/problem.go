package httpapi

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

// problem is a refusal as its client is told about it. It is an error, so that handlers return it.
type problem struct {
	code    string // of the table below
	detail  string // about this request
	faults  faults
	current int // the user's version, where it is the answer to a condition
	// challenge is what the header WWW-Authenticate says beyond its scheme.
	challenge string
}

func (p *problem) Error() string { return p.code + ": " + p.detail }

// kind is what is known of a code beforehand. Nothing else in the service knows the status of a refusal.
type kind struct {
	status     int
	retryAfter int // seconds; 0: sending the same again is of no use
	title      string
	meaning    string // for the page about it
}

var kinds = map[string]kind{
	"malformed_request": {400, 0, "Malformed request",
		"The body is not JSON of the expected shape, which is one object, or a list of them for a batch: a member is unknown, repeated, spelt in " +
			"another letter case or of the wrong type, the text is not UTF-8, or something follows the object. " +
			"The detail names the place."},
	"invalid_parameter": {400, 0, "Invalid parameter",
		"A part of the path, a query parameter or a header is unknown, repeated or not of the expected form. " +
			"The detail names it."},
	"invalid_cursor": {400, 0, "Invalid cursor",
		"The cursor was not made by this service for this list, or filters were sent along that differ from " +
			"those it was made with. Take a cursor from an answer as it is, alone or with the same filters; to " +
			"filter otherwise, start again without one."},
	"as_of_in_future": {400, 0, "Point in time in the future",
		"What a user will look like is not known yet. Ask for an instant that has passed."},
	"unauthenticated": {401, 0, "Not authenticated",
		"The request needs an access token of the configured issuer, as a bearer token in the header Authorization, and has none, " +
			"or one that is not valid (any more). The detail says why."},
	"forbidden": {403, 0, "Forbidden",
		"The token is valid, but was not given the scope that this takes. The detail names it. A token with the scope users:self is for the " +
			"user whose id is its subject, and for reading and patching alone."},
	"route_not_found": {404, 0, "No such route",
		"The service has nothing at this path. Paths have no trailing slash."},
	"user_not_found": {404, 0, "No such user",
		"There never was a user with this id."},
	"not_yet_existing": {404, 0, "User did not exist yet",
		"The user was created later than the point in time that was asked about."},
	"projection_not_found": {404, 0, "No such projection",
		"There is no projection with this name. /v1/projections lists all of them."},
	"dead_letter_not_found": {404, 0, "No such dead letter",
		"There is no failed or waiting event with this id: it took effect meanwhile, or was given up. " +
			"/v1/dead-letters lists those there are."},
	"method_not_allowed": {405, 0, "Method not allowed",
		"The path exists, but does not take this method. The header Allow lists those that it takes."},
	"not_acceptable": {406, 0, "Not acceptable",
		"The header Accept names no media type that this address answers with. The detail lists those there are."},
	"email_taken": {409, 0, "E-mail address taken",
		"Another user has this address, perhaps in another spelling. It becomes free when that user is " +
			"deleted or changes its address."},
	"user_exists": {409, 0, "User exists",
		"A user with the id that was sent exists, or existed. Ids are never used again."},
	"already_suspended": {409, 0, "Already suspended",
		"The user is suspended already, with a reason that stays on record. Reactivate it first to suspend it " +
			"for another."},
	"not_suspended": {409, 0, "Not suspended",
		"Only a suspended user can be reactivated."},
	"user_suspended": {409, 0, "User is suspended",
		"While a user is suspended, its address and names cannot be changed and it cannot be granted roles."},
	"too_many_roles": {409, 0, "Too many roles",
		"The user holds as many roles as one can have. Revoke one first."},
	"version_conflict": {409, 0, "Version conflict",
		"Other writers changed the user each time that the command was tried. Nothing was changed by this " +
			"request; it may be sent again."},
	"request_in_flight": {409, 1, "Request in flight",
		"A request with the same Idempotency-Key is still being carried out. Send this one again a little " +
			"later to get its answer."},
	"rebuild_running": {409, 0, "Rebuild running",
		"The projection is being rebuilt already, here or in another replica. Reading the projection shows how far " +
			"that is; it can be cancelled."},
	"not_first_in_queue": {409, 0, "Not the first in its queue",
		"Only the first of a user's failed and waiting events can be given up: the later ones have not been tried. " +
			"/v1/dead-letters lists them in their order."},
	"position_ahead": {409, 0, "Position is ahead of the log",
		"The log has fewer events than the position that was asked for. It was restored from a backup, or is " +
			"another one: what was read behind its end never happened in this log. Decide what that means, " +
			"then read from the beginning, or from a position that both have."},
	"user_deleted": {410, 0, "User deleted",
		"The user was deleted for good. Its history can still be read."},
	"precondition_failed": {412, 0, "Precondition failed",
		"The user has another version than If-Match asks for; currentVersion says which. Read the user again " +
			"and decide anew."},
	"body_too_large": {413, 0, "Body too large",
		"The body has more bytes than this request takes."},
	"unsupported_media_type": {415, 0, "Unsupported media type",
		"The header Content-Type is missing or names another media type than this request takes, or the body " +
			"is encoded."},
	"validation_failed": {422, 0, "Validation failed",
		"The body is well-formed, but required members are missing or values break a rule. The member errors " +
			"lists all of them."},
	"idempotency_key_reused": {422, 0, "Idempotency key reused",
		"The Idempotency-Key was used before for another request: another method, path, body or If-Match. " +
			"Choose a new key for a new request."},
	"rate_limited": {429, rateWindowSeconds, "Too many requests",
		"The caller has used up its requests for the present minute. The header Retry-After says when to go " +
			"on."},
	"internal": {500, 0, "Internal error",
		"The service failed in a way that it should not. The requestId finds what happened in its log."},
	"unavailable": {503, 1, "Unavailable",
		"The service cannot reach its database, or not in time. Nothing was changed by this request; it may " +
			"be sent again."},
	"projection_lagging": {503, 1, "Projection is lagging",
		"The list does not show the position min_position yet, or the counters of the past are not known yet. " +
			"Ask again; for a list, wait longer with the header Prefer: wait=5."},
	"outcome_unknown": {503, 1, "Outcome unknown",
		"The command may or may not have happened. Send it again with the same Idempotency-Key: it happens " +
			"once, and you get its answer. Without a key, read the user first. An event of another domain needs " +
			"no key: sent again, it is kept once."},
}

type problemDocument struct {
	Type           string `json:"type"`
	Title          string `json:"title"`
	Status         int    `json:"status"`
	Detail         string `json:"detail"`
	Code           string `json:"code"`
	RequestID      string `json:"requestId"`
	Errors         faults `json:"errors,omitzero"`
	CurrentVersion int    `json:"currentVersion,omitzero"`
	RetryAfter     int    `json:"retryAfter,omitzero"`
}

func (p *problem) document(requestID string) problemDocument {
	k := kinds[p.code]
	return problemDocument{
		"/problems/" + p.code, k.title, k.status, p.detail, p.code, requestID, p.faults, p.current, k.retryAfter,
	}
}

// writeProblem answers with a refusal. Whatever a handler had prepared for success is taken back.
func writeProblem(w http.ResponseWriter, requestID string, p *problem) {
	k := kinds[p.code]
	body, err := json.Marshal(p.document(requestID))
	if err != nil {
		panic(err) // all texts are valid UTF-8, and nothing else can fail
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Del("ETag")
	if k.status == http.StatusUnauthorized || k.status == http.StatusForbidden {
		h.Set("WWW-Authenticate", strings.TrimSuffix(`Bearer realm="usersvc", `+p.challenge, ", "))
	}
	if k.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(k.retryAfter))
	}
	w.WriteHeader(k.status)
	_, _ = w.Write(body)
}
