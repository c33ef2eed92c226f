package httpapi

import (
	"errors"

	"github.com/usersvc/usersvc/internal/domain"
)

// faults are the members of a request whose values cannot be accepted: all of them, so that a form can
// mark each.
type faults []fault

type fault struct {
	Pointer string `json:"pointer"` // a JSON Pointer, as a URI fragment
	Code    string `json:"code"`
	Detail  string `json:"detail"`
}

func (f *faults) add(member, code, detail string) {
	*f = append(*f, fault{"#/" + member, code, detail})
}

// err is the refusal, or nil if nothing was found.
func (f *faults) err() error {
	if len(*f) == 0 {
		return nil
	}
	return f.refusal()
}

func (f *faults) refusal() *problem {
	return &problem{code: "validation_failed", detail: "Some values are missing or break a rule; see errors.", faults: *f}
}

// broken adds what the domain says of a value, if it says anything. A place within the member is named
// by the caller.
func (f *faults) broken(err error, place string) {
	var rule *domain.Error
	if errors.As(err, &rule) {
		f.add(rule.Field+place, rule.Code, rule.Message)
	}
}

// value applies a rule of the domain to a member. One that was not sent is the zero value: whether it
// had to be is not asked here.
func value[Sent, T any](f *faults, member *Sent, parse func(Sent) (T, error)) T {
	var v T
	if member != nil {
		v = *optional(f, member, parse)
	}
	return v
}

// optional is value, and nil for a member that was not sent.
func optional[Sent, T any](f *faults, member *Sent, parse func(Sent) (T, error)) *T {
	if member == nil {
		return nil
	}
	v, err := parse(*member)
	f.broken(err, "")
	return &v
}
