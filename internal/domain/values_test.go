package domain_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/usersvc/usersvc/internal/domain"
)

// code returns the code of an Invalid error on the given field, "" for nil.
func code(t *testing.T, err error, field string) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *domain.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no domain error", err)
	}
	if e.Kind != domain.Invalid || e.Field != field || e.Message == "" {
		t.Fatalf("got %+v, want an Invalid error on %s", e, field)
	}
	return e.Code
}

type parsed struct {
	name, given, want, code string
}

func checkParse[T ~string](t *testing.T, field string, parse func(string) (T, error), cases []parsed) {
	t.Helper()
	for _, c := range cases {
		t.Run(field+"/"+c.name, func(t *testing.T) {
			got, err := parse(c.given)
			if code := code(t, err, field); code != c.code || string(got) != c.want {
				t.Fatalf("%q: got %q and code %q, want %q and %q", c.given, got, code, c.want, c.code)
			}
		})
	}
}

// texts are the cases that names and reasons have in common.
func texts(longest int) []parsed {
	full := strings.Repeat("é", longest)
	return []parsed{
		{"as it is", "Ada Lovelace", "Ada Lovelace", ""},
		{"trimmed", " \t\u00a0\u2003Ada\r\n\u2028", "Ada", ""},
		{"inner spaces stay", "Ada  King", "Ada  King", ""},
		{"composed", "Jose\u0301", "Jos\u00e9", ""},
		{"one character", "X", "X", ""},
		{"longest", full, full, ""},
		{"longest after trimming", " " + full + " ", full, ""},
		{"longest after composing", strings.Repeat("e\u0301", longest), full, ""},
		{"one too long", full + "x", "", "too_long"},
		{"nul", "A\x00da", "", "control_character"},
		{"nul at the end", "Ada\x00", "", "control_character"},
		{"escape", "A\x1b[31m", "", "control_character"},
		{"delete", "A\x7fda", "", "control_character"},
		{"carriage return", "A\rda", "", "control_character"},
		{"c1 control", "A\u0085da", "", "control_character"},
		{"joiners are spelling", "क\u094d\u200dष", "क\u094d\u200dष", ""},
		{"emoji", "Ada 👩\u200d💻", "Ada 👩\u200d💻", ""},
		{"not UTF-8", "A\xffda", "", "invalid_utf8"},
		{"surrogate", "A\xed\xa0\x80", "", "invalid_utf8"},
	}
}

func TestParseNames(t *testing.T) {
	oneLine := []parsed{
		{"line feed", "A\nda", "", "control_character"},
		{"tab", "A\tda", "", "control_character"},
		{"line separator is no control character", "A\u2028da", "A\u2028da", ""},
	}
	empty := []parsed{{"empty", "", "", ""}, {"blank", " \n", "", ""}}
	notEmpty := []parsed{{"empty", "", "", "required"}, {"blank", " \n", "", "required"}}

	checkParse(t, "displayName", domain.ParseDisplayName, append(append(texts(200), oneLine...), notEmpty...))
	checkParse(t, "firstName", domain.ParseFirstName, append(append(texts(100), oneLine...), empty...))
	checkParse(t, "lastName", domain.ParseLastName, append(append(texts(100), oneLine...), empty...))
}

func TestParseReason(t *testing.T) {
	checkParse(t, "reason", domain.ParseReason, append(texts(500),
		parsed{"line feed", "two\nlines", "two\nlines", ""},
		parsed{"tab", "a\tb", "a\tb", ""},
		parsed{"empty", "", "", "required"},
		parsed{"blank", "\n", "", "required"},
	))
}

func TestParseRole(t *testing.T) {
	longest := "r" + strings.Repeat("0", 63)
	checkParse(t, "role", domain.ParseRole, []parsed{
		{"word", "admin", "admin", ""},
		{"one letter", "a", "a", ""},
		{"all characters", "a0_.:-z", "a0_.:-z", ""},
		{"longest", longest, longest, ""},
		{"too long", longest + "0", "", "invalid_role"},
		{"empty", "", "", "invalid_role"},
		{"capital", "Admin", "", "invalid_role"},
		{"leading digit", "0admin", "", "invalid_role"},
		{"leading hyphen", "-admin", "", "invalid_role"},
		{"space", "ad min", "", "invalid_role"},
		{"not trimmed", " admin", "", "invalid_role"},
		{"line feed at the end", "admin\n", "", "invalid_role"},
		{"nul", "admin\x00", "", "invalid_role"},
		{"slash", "a/b", "", "invalid_role"},
		{"Cyrillic а", "\u0430dmin", "", "invalid_role"},
		{"Kelvin sign", "\u212a", "", "invalid_role"},
		{"not UTF-8", "a\xff", "", "invalid_role"},
	})
}
