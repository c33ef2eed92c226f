package demo_test

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"
	"time"

	"github.com/usersvc/usersvc/internal/demo"
)

var ends = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func TestTheSameSeedIsTheSameYear(t *testing.T) {
	t.Parallel()
	year := demo.Year{People: 300, Ends: ends, Seed: 7}
	var one, other, more bytes.Buffer
	for _, y := range []struct {
		demo.Year
		to *bytes.Buffer
	}{{year, &one}, {year, &other}, {demo.Year{People: 300, Ends: ends, Seed: 8}, &more}} {
		if _, err := y.Write(y.to); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(one.Bytes(), other.Bytes()) || bytes.Equal(one.Bytes(), more.Bytes()) {
		t.Error("years with one seed differ, or with two do not")
	}
}

func TestYearHasWhatIsToBeFound(t *testing.T) {
	t.Parallel()
	var lines bytes.Buffer
	n, err := demo.Year{People: 1000, Ends: ends, Seed: 1}.Write(&lines)
	if err != nil {
		t.Fatal(err)
	}
	types, longest, last := map[string]int{}, 0, time.Time{}
	for decoder := json.NewDecoder(&lines); ; {
		var e struct {
			Type       string
			Version    int
			RecordedAt time.Time
		}
		if err := decoder.Decode(&e); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if e.RecordedAt.Before(last) || !e.RecordedAt.Before(ends) || e.RecordedAt.Before(ends.AddDate(-1, 0, -1)) {
			t.Fatalf("%v after %v", e.RecordedAt, last)
		}
		types[e.Type]++
		longest, last = max(longest, e.Version), e.RecordedAt
	}
	t.Logf("%d events: %v; the longest history has %d", n, types, longest)
	for typ, least := range map[string]int{"UserCreated": 1000, "UserSuspended": 80, "UserReactivated": 10, "UserEmailChanged": 30, "UserProfileChanged": 10,
		"RoleGranted": 500, "RoleRevoked": 500, "UserDeleted": 5, "PostCreated": 2000, "UserFollowed": 1000, "UserUnfollowed": 50} {
		if types[typ] < least {
			t.Errorf("only %d of %s", types[typ], typ)
		}
	}
	if longest < 1000 {
		t.Errorf("the longest history has %d events", longest)
	}
}
