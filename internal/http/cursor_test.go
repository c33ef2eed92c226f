package httpapi

import (
	"bytes"
	"encoding/base64"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func newTestCursors(t *testing.T, key byte) cursors {
	t.Helper()
	c, err := newCursors(bytes.Repeat([]byte{key}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCursorOpensWhatWasSealed(t *testing.T) {
	c := newTestCursors(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		want := place{Behind: rapid.Int().Draw(t, "behind"), Order: rapid.StringMatching(`asc|desc`).Draw(t, "order")}
		cursor, err := c.seal("scope", want)
		if err != nil {
			t.Fatal(err)
		}
		var got place
		if err := c.open("scope", cursor, &got); err != nil || got != want {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

func TestCursorTellsNothing(t *testing.T) {
	c := newTestCursors(t, 1)
	one, err := c.seal("scope", place{Order: "ada@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if raw, _ := base64.RawURLEncoding.DecodeString(one); bytes.Contains(raw, []byte("ada")) {
		t.Error("the address can be read")
	}
	if two, _ := c.seal("scope", place{Order: "ada@example.com"}); one != two {
		t.Error("one page has two cursors: an answer about the past would not be the same twice")
	}
	two, err := c.seal("scope", place{Order: "ada@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	if alike := commonPrefix(one, two); alike > 4 {
		t.Errorf("pages that begin alike have cursors that do, too: %d characters", alike)
	}
}

func commonPrefix(a, b string) (n int) {
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

func TestCursorIsTamperProof(t *testing.T) {
	c := newTestCursors(t, 1)
	cursor, err := c.seal("scope", place{Behind: 7})
	if err != nil {
		t.Fatal(err)
	}
	foreign, _ := newTestCursors(t, 2).seal("scope", place{Behind: 7})
	elsewhere, _ := c.seal("another scope", place{Behind: 7})
	misshapen, _ := c.seal("scope", "a text")
	forged := []string{
		foreign, elsewhere, misshapen, "", "-1", "9223372036854775808", "AAAA", "%00", "\xff", cursor + "\n", cursor + "=", cursor + "A",
		cursor[1:], cursor[:len(cursor)-1], strings.ToUpper(cursor), strings.Repeat("A", 10_000),
	}
	for i := range cursor {
		flipped := []byte(cursor)
		if flipped[i] = 'A'; cursor[i] == 'A' {
			flipped[i] = 'B'
		}
		forged = append(forged, string(flipped))
	}
	for _, s := range forged {
		var p place
		if err := c.open("scope", s, &p); !isRefusal(err, "invalid_cursor") {
			t.Errorf("%q: %+v, %v", s, p, err)
		}
	}
}

func TestResume(t *testing.T) {
	c := newTestCursors(t, 1)
	cursor, err := c.seal("scope", place{Behind: 7, Order: "asc", Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	resume := func(q query) (place, error) {
		p := place{Order: "desc"}
		r := &request{Request: httptest.NewRequest("GET", "/", nil), query: q}
		return p, c.resume(r, "scope", &p, func() error { return q.choice("order", &p.Order, "asc", "desc") })
	}
	for name, q := range map[string]query{"alone": {"cursor": cursor}, "with the same": {"cursor": cursor, "order": "asc"}} {
		p := place{Order: "desc"}
		r := &request{Request: httptest.NewRequest("GET", "/", nil), query: q}
		err := c.resume(r, "scope", &p, func() error { return q.choice("order", &p.Order, "asc", "desc") })
		if err != nil || p != (place{7, "asc", 3}) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	if _, err := resume(query{"cursor": cursor, "order": "desc"}); !isRefusal(err, "invalid_cursor") {
		t.Errorf("with another: %v", err)
	}
	if _, err := resume(query{"cursor": cursor, "order": "up"}); !isRefusal(err, "invalid_parameter") {
		t.Errorf("with nonsense: %v", err)
	}
}

func TestCursorKeyMustBeWhole(t *testing.T) {
	for _, length := range []int{0, 16, 31, 33} {
		if _, err := newCursors(make([]byte, length)); err == nil {
			t.Errorf("a key of %d bytes is taken", length)
		}
	}
}
