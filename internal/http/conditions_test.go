package httpapi

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/usersvc/usersvc/internal/users"
)

func TestIfMatch(t *testing.T) {
	for _, row := range []struct {
		header []string
		want   users.IfMatch
	}{
		{nil, users.IfMatch{}},
		{[]string{`*`}, users.IfMatch{Exists: true}},
		{[]string{` * `}, users.IfMatch{Exists: true}},
		{[]string{`"3.17"`}, users.IfMatch{Versions: []int{3}}},
		{[]string{`"3"`}, users.IfMatch{Versions: []int{3}}},
		{[]string{`"0"`}, users.IfMatch{Versions: []int{0}}},
		{[]string{`"3.0", "4.0" ,"5"`}, users.IfMatch{Versions: []int{3, 4, 5}}},
		{[]string{`"3.0"`, `"4.0"`}, users.IfMatch{Versions: []int{3, 4}}},
		{[]string{`"3.0",, "4.0",`}, users.IfMatch{Versions: []int{3, 4}}},
		{[]string{`W/"3.0"`}, users.IfMatch{None: true}},
		{[]string{`W/"3.0", "4.0"`}, users.IfMatch{Versions: []int{4}}},
		{[]string{`"9223372036854775807"`}, users.IfMatch{Versions: []int{1<<63 - 1}}},
	} {
		got, err := ifMatch(http.Header{"If-Match": row.header})
		if err != nil {
			t.Errorf("%q: %v", row.header, err)
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", row.header, diff)
		}
	}
}

func TestIfMatchRefuses(t *testing.T) {
	for _, header := range []string{
		``, ` `, `,`, `3`, `3.0`, `"`, `"3`, `3"`, `""`, `"abc"`, `W/"abc"`, `w/"3"`, `W/`, `W/3`, `"-1"`, `"+1"`, `"3.-1"`, `"3."`, `".3"`, `"3.0.1"`,
		`"3" "4"`, `"3";"4"`, `"3", *`, `*, "3"`, `**`, `"9223372036854775808"`, `"1.9223372036854775808"`, `"1e3"`, `"0x1"`, `"1_0"`, `" 3"`, "\"\xff\"",
	} {
		if got, err := ifMatch(http.Header{"If-Match": {header}}); !isRefusal(err, "invalid_parameter") {
			t.Errorf("%q: %+v, %v", header, got, err)
		}
	}
}

func TestNoneMatch(t *testing.T) {
	const current = `"3.17"`
	for _, row := range []struct {
		header string
		want   bool
	}{
		{`"3.17"`, true}, {`W/"3.17"`, true}, {`*`, true}, {`"2.0", "3.17"`, true},
		{`"3"`, false}, {`"3.18"`, false}, {`"abc"`, false}, {`""`, false},
	} {
		known, err := noneMatch(http.Header{"If-None-Match": {row.header}})
		if err != nil || known(current) != row.want {
			t.Errorf("%s: %t, %v", row.header, known(current), err)
		}
	}
	if known, err := noneMatch(http.Header{}); err != nil || known(current) {
		t.Errorf("without the header: %v", err)
	}
	if _, err := noneMatch(http.Header{"If-None-Match": {"3.17"}}); !isRefusal(err, "invalid_parameter") {
		t.Errorf("without quotes: %v", err)
	}
}

func isRefusal(err error, code string) bool {
	p := new(problem)
	return errors.As(err, &p) && p.code == code
}
