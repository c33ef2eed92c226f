package auth

import (
	"errors"
	"math"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
)

// audience is one name, or a list of them.
type audience []string

func (a audience) has(name string) bool { return slices.Contains(a, name) }

// UnmarshalJSON takes both forms.
func (a *audience) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]string)(a))
	}
	var one string
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	*a = audience{one}
	return nil
}

// seconds is a NumericDate: since 1970, perhaps with a fraction.
type seconds float64

var errNoDate = errors.New("not a date")

// UnmarshalJSON takes what a date may be, and no number beyond.
func (s *seconds) UnmarshalJSON(b []byte) error {
	var f float64
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	if f < 0 || f > 1<<40 || math.IsNaN(f) {
		return errNoDate
	}
	*s = seconds(f)
	return nil
}

func (s *seconds) time() time.Time { return time.UnixMicro(int64(float64(*s) * 1e6)) }
