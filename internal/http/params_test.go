package httpapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestParseQueryRefuses(t *testing.T) {
	for _, raw := range []string{
		"other=1", "Limit=1", "limit=1&limit=1", "limit=1&limit=2", "limit=%00", "limit=%ff", "limit=%zz", "limit=1;cursor=2",
		"=1", "limit[]=1", "%00=1", "%ff=1", "limit=1&" + strings.Repeat("x", 1000) + "=1",
	} {
		q, err := parseQuery(raw, []string{"limit", "cursor"})
		if !isRefusal(err, "invalid_parameter") {
			t.Errorf("%q: %v, %v", raw, q, err)
		} else if len(err.Error()) > 200 {
			t.Errorf("%q: the answer repeats what was sent", raw)
		}
	}
}

func TestNumber(t *testing.T) {
	for s, ok := range map[string]bool{
		"1": true, "200": true, "0100": true,
		"0": false, "201": false, "-1": false, "+1": false, " 1": false, "1 ": false, "": false, "1.0": false, "1e2": false, "0x1": false,
		"١": false, "1_0": false, "9223372036854775808": false, "18446744073709551617": false, strings.Repeat("9", 100_000): false,
	} {
		n := 7
		err := number(query{"limit": s}, "limit", &n, 1, 200)
		if ok != (err == nil) || !ok && n != 7 {
			t.Errorf("%.20q: %d, %v", s, n, err)
		}
	}
	p := int64(0)
	if err := number(query{"min_position": "9223372036854775807"}, "min_position", &p, 0, maxPosition); err != nil || p != maxPosition {
		t.Errorf("%d, %v", p, err)
	}
}

func TestInstant(t *testing.T) {
	for s, want := range map[string]string{
		"2026-11-22T10:00:00Z":                "2026-11-22T10:00:00.000000Z",
		"2026-11-22T10:00:00.1234567Z":        "2026-11-22T10:00:00.123456Z",
		"2026-11-22T10:00:00.999999999+05:30": "2026-11-22T04:30:00.999999Z",
		"2026-11-22T10:00:00+23:59":           "2026-11-21T10:01:00.000000Z",
		"2026-11-22T10:00:00-19:00":           "2026-11-23T05:00:00.000000Z",
		"9999-12-31T23:59:59.999999Z":         "9999-12-31T23:59:59.999999Z",
		"0001-01-01T00:00:00Z":                "0001-01-01T00:00:00.000001Z",
	} {
		var got time.Time
		if err := (query{"as_of": s}).instant("as_of", &got); err != nil {
			t.Errorf("%s: %v", s, err)
		}
		if text, _ := stamp(got).MarshalText(); string(text) != want {
			t.Errorf("%s: %s, want %s", s, text, want)
		}
	}
}

func TestInstantRefuses(t *testing.T) {
	for _, s := range []string{
		"", "infinity", "-infinity", "now", "2026-11-22", "2026-11-22T10:00:00", "2026-11-22 10:00:00Z", "2026-13-22T10:00:00Z", "2026-02-30T10:00:00Z",
		"2026-11-22T24:00:00Z", "2026-11-22T10:00:60Z", "2026-11-22T1:00:00Z", "2026-11-22T10:00:00,5Z", "2026-11-22T10:00:00+25:00",
		"2026-11-22T10:00:00+24:00", "2026-11-22T10:00:00-24:00", "2026-11-22T10:00:00+02:60", "2026-11-22T10:00:00-00:99",
		"294277-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "-0001-01-01T00:00:00Z",
		"1795341600", "2026-11-22T10:00:00." + strings.Repeat("1", 100_000) + "Z0",
	} {
		var got time.Time
		if err := (query{"as_of": s}).instant("as_of", &got); !isRefusal(err, "invalid_parameter") {
			t.Errorf("%.40q: %v, %v", s, got, err)
		}
	}
	err := (query{"as_of": "2026-11-22T10:00:00 02:00"}).instant("as_of", new(time.Time))
	if err == nil || !strings.Contains(err.Error(), "%2B") {
		t.Errorf("a plus that arrived as a space: %v", err)
	}
}

func TestWait(t *testing.T) {
	for _, row := range []struct {
		prefer  []string
		want    time.Duration
		applied string
	}{
		{nil, time.Second, ""},
		{[]string{"wait=3"}, 3 * time.Second, "wait=3"},
		{[]string{"Wait=0"}, 0, "wait=0"},
		{[]string{"wait=600"}, 5 * time.Second, "wait=5"},
		{[]string{"respond-async, wait=2"}, 2 * time.Second, "wait=2"},
		{[]string{"return=minimal", `wait="2"`}, 2 * time.Second, "wait=2"},
		{[]string{"wait=-1"}, time.Second, ""},
		{[]string{"wait=9223372036854775808"}, time.Second, ""},
		{[]string{"wait", "\xff"}, time.Second, ""},
	} {
		w := httptest.NewRecorder()
		r := &request{Request: &http.Request{Header: http.Header{"Prefer": row.prefer}}, w: w}
		if got := r.wait(1); got != row.want || w.Header().Get("Preference-Applied") != row.applied {
			t.Errorf("%q: %v, %q", row.prefer, got, w.Header().Get("Preference-Applied"))
		}
	}
}

func TestTraceparent(t *testing.T) {
	const valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for given, want := range map[string]string{
		valid:                   valid,
		"cc" + valid[2:]:        "cc" + valid[2:],
		"cc" + valid[2:] + "-x": "cc" + valid[2:],
		valid + "-x":            "", "ff" + valid[2:]: "", "cc" + valid[2:] + "x": "", "": "", valid[1:]: "", "\xff": "",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01": "",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01": "",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01": "",
	} {
		if got := traceparent(http.Header{"Traceparent": {given}}); got != want {
			t.Errorf("%q: %q", given, got)
		}
	}
}
