package httpapi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// refusedWell says that a decoder either took its input or refused it with a problem that has a detail in UTF-8.
func refusedWell(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	p := new(problem)
	if !errors.As(err, &p) {
		t.Fatalf("not a problem: %v", err)
	}
	if k := kinds[p.code]; k.status < 400 || k.status > 499 || !utf8.ValidString(p.detail) || p.detail == "" && len(p.faults) == 0 {
		t.Fatalf("%d %q", k.status, p.detail)
	}
}

func posted(mediaType, body string) *request {
	r := httptest.NewRequest(http.MethodPost, "/v1/users", strings.NewReader(body))
	r.Header.Set("Content-Type", mediaType)
	return arriving(r)
}

func FuzzBody(f *testing.F) {
	for _, body := range []string{
		`{"email":"ada@example.com","displayName":"Ada"}`, `{"id":"0193c6a0-0000-7000-8000-000000000000","email":1}`, `{"email":"a","email":"b"}`,
		`{"EMAIL":"a"}`, "{\"email\":\"\xff\"}", `{"email":"\ud800"}`, `null`, `[]`, `{}{}`, `{"email":{"a":[[[[]]]]}}`, "{\"email\":\"\\u0000\"}",
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		command, err := createUser(posted("application/json", body))
		refusedWell(t, err)
		if command == nil && err == nil {
			t.Fatal("neither a command nor a refusal")
		}
		_, err = changeProfile(posted("application/merge-patch+json", body))
		refusedWell(t, err)
		_, err = restore(posted("application/json", body))
		refusedWell(t, err)
	})
}

func FuzzCloudEvents(f *testing.F) {
	f.Add(`{"specversion":"1.0","id":"1","source":"/posts","type":"PostCreated","data":{"authorId":"0193c6a0-0000-7000-8000-000000000000"}}`)
	f.Add(`[{"specversion":"1.0","id":"1","source":"/posts","type":"PostCreated","time":"infinity","data":null}]`)
	f.Add(`[null,1,"",{}]`)
	f.Fuzz(func(t *testing.T, body string) {
		for _, mediaType := range []string{singleEvent, eventBatch} {
			r := posted(mediaType, body)
			_, err := r.readReports()
			refusedWell(t, err)
			if err == nil {
				_, err = r.reports(mediaType)
				refusedWell(t, err)
			}
		}
	})
}

func FuzzCursor(f *testing.F) {
	c, err := newCursors(make([]byte, 32))
	if err != nil {
		f.Fatal(err)
	}
	good, err := c.seal("users", struct{ A string }{"ada@example.com"})
	if err != nil {
		f.Fatal(err)
	}
	for _, cursor := range []string{good, good + "A", good[:len(good)-1], "", "-1", "9223372036854775808", "=", strings.Repeat("A", 10_000)} {
		f.Add(cursor)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		var page struct{ A string }
		err := c.open("users", cursor, &page)
		refusedWell(t, err)
		if err == nil && cursor != good {
			t.Fatalf("%q is a cursor that nobody made", cursor)
		}
	})
}

func FuzzConditions(f *testing.F) {
	for _, value := range []string{`"1"`, `"1.7"`, `*`, `W/"1"`, `"1", "2"`, `"-1"`, `"9223372036854775808"`, `1`, `"`, `"1" "2"`, "\"\x00\"", `"1",`} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		h := http.Header{"If-Match": {value}, "If-None-Match": {value}}
		_, err := ifMatch(h)
		refusedWell(t, err)
		known, err := noneMatch(h)
		refusedWell(t, err)
		if err == nil {
			known(`"1.0"`)
		}
	})
}

func FuzzIdempotencyKey(f *testing.F) {
	for _, value := range []string{`a`, `"a"`, ``, `""`, `"`, `a"b`, strings.Repeat("k", 256), "\x7f", "ключ"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		key, err := idempotencyKey(http.Header{"Idempotency-Key": {value}})
		refusedWell(t, err)
		if err == nil && !isVisible(key, 255) {
			t.Fatalf("%q became the key %q", value, key)
		}
	})
}

func FuzzInstant(f *testing.F) {
	for _, value := range []string{
		"2026-03-01T00:00:00Z", "2026-03-01T00:00:00+02:00", "2026-03-01T00:00:00 02:00", "infinity", "294277-01-01T00:00:00Z",
		"2016-12-31T23:59:60Z", "0000-01-01T00:00:00Z", "2026-03-01T00:00:00.123456789Z", "-1", "",
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		q, err := parseQuery("as_of="+url.QueryEscape(value), []string{"as_of"})
		refusedWell(t, err)
		if err != nil {
			return
		}
		var at time.Time
		err = q.instant("as_of", &at)
		refusedWell(t, err)
		if err == nil && (at.Year() < 1 || at.Year() > 9999 || at.Nanosecond()%1000 != 0) {
			t.Fatalf("%q became %v", value, at)
		}
	})
}
