package console

import (
	"encoding/json"
	"time"
)

// The answers of the API, as far as they are shown. openapi.yaml says what the members mean.

type user struct {
	ID               string     `json:"id"`
	Email            string     `json:"email"`
	DisplayName      string     `json:"displayName"`
	FirstName        string     `json:"firstName"`
	LastName         string     `json:"lastName"`
	Status           string     `json:"status"`
	SuspendedAt      *time.Time `json:"suspendedAt"`
	SuspensionReason *string    `json:"suspensionReason"`
	Roles            []string   `json:"roles"`
	PostCount        int        `json:"postCount"`
	FollowerCount    int        `json:"followerCount"`
	Version          int        `json:"version"`
	CreatedAt        time.Time  `json:"createdAt"`
	UpdatedAt        time.Time  `json:"updatedAt"`
}

type page[T any] struct {
	Data       []T        `json:"data"`
	NextCursor *string    `json:"nextCursor"`
	AsOf       *time.Time `json:"asOf"`
}

type change struct {
	Field string `json:"field"`
	From  any    `json:"from"`
	To    any    `json:"to"`
}

type historyEntry struct {
	Version    int       `json:"version"`
	Type       string    `json:"type"`
	RecordedAt time.Time `json:"recordedAt"`
	Actor      string    `json:"actor"`
	Reason     *string   `json:"reason"`
}

type storedEvent struct {
	Position   int64           `json:"position"`
	Type       string          `json:"type"`
	Data       json.RawMessage `json:"data"`
	RecordedAt time.Time       `json:"recordedAt"`
	Metadata   struct {
		Actor         string `json:"actor"`
		Source        string `json:"source"`
		CorrelationID string `json:"correlationId"`
	} `json:"metadata"`
}

type difference struct {
	change
	EventCount int            `json:"eventCount"`
	Events     []historyEntry `json:"events"`
}

type end struct {
	Version    int       `json:"version"`
	RecordedAt time.Time `json:"recordedAt"`
}

type diff struct {
	From    end          `json:"from"`
	To      end          `json:"to"`
	Changes []difference `json:"changes"`
}

type dryRun struct {
	Events []struct {
		Type string          `json:"type"`
		Data json.RawMessage `json:"data"`
	} `json:"events"`
}

// feedEvent is a CloudEvent.
type feedEvent struct {
	ID            string          `json:"id"`
	Source        string          `json:"source"`
	Type          string          `json:"type"`
	Subject       string          `json:"subject"`
	Time          time.Time       `json:"time"`
	Sequence      string          `json:"sequence"`
	CorrelationID string          `json:"correlationid"`
	CausationID   string          `json:"causationid"`
	Actor         string          `json:"actor"`
	Data          json.RawMessage `json:"data"`
}

type feedPage struct {
	Data []feedEvent `json:"data"`
	Next int64       `json:"next"`
}

type projection struct {
	Name       string   `json:"name"`
	Status     string   `json:"status"`
	Position   int64    `json:"position"`
	Head       int64    `json:"head"`
	LagEvents  int64    `json:"lagEvents"`
	LagSeconds float64  `json:"lagSeconds"`
	Rate       float64  `json:"rate"`
	Parked     int64    `json:"parked"`
	LastError  *string  `json:"lastError"`
	Rebuild    *rebuild `json:"rebuild"`
}

type rebuild struct {
	State       string    `json:"state"`
	Phase       string    `json:"phase"`
	Processed   int64     `json:"processed"`
	Total       int64     `json:"total"`
	Rate        float64   `json:"rate"`
	ETASeconds  *float64  `json:"etaSeconds"`
	Differences *int      `json:"differences"`
	Error       *string   `json:"error"`
	StartedAt   time.Time `json:"startedAt"`
}

type deadLetter struct {
	ID            string     `json:"id"`
	UserID        string     `json:"userId"`
	Position      int64      `json:"position"`
	Type          string     `json:"type"`
	State         string     `json:"state"`
	Attempts      int        `json:"attempts"`
	Error         *string    `json:"error"`
	FirstFailedAt *time.Time `json:"firstFailedAt"`
	LastFailedAt  *time.Time `json:"lastFailedAt"`
	NextTryAt     *time.Time `json:"nextTryAt"`
	SkippedBy     *string    `json:"skippedBy"`
	SkipReason    *string    `json:"skipReason"`
}

// problem is a refusal (RFC 9457).
type problem struct {
	Status         int     `json:"status"`
	Title          string  `json:"title"`
	Detail         string  `json:"detail"`
	Code           string  `json:"code"`
	RequestID      string  `json:"requestId"`
	Errors         []fault `json:"errors"`
	CurrentVersion int     `json:"currentVersion"`
}

type fault struct {
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

func (p *problem) Error() string { return p.Title + ": " + p.Detail }

// at is what is wrong with a member of the body.
func (p *problem) at(member string) string {
	for _, f := range p.Errors {
		if f.Pointer == "#/"+member {
			return f.Detail
		}
	}
	return ""
}
