package projections

import (
	"slices"
	"testing"

	"github.com/usersvc/usersvc/internal/domain"
)

func TestWordsAreFolded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ address, name, want string }{
		{"ada@example.com", "Ada LOVELACE", `'ada' 'ada@example.com' 'com' 'example' 'lovelace' `},
		{"x@y.example", "José Ñandú", `'example' 'jose' 'nandu' 'x' 'x@y.example' 'y' `},
		{"o'hara+news@example.com", "", `'com' 'example' 'hara' 'news' 'o' 'o''hara+news@example.com' `},
		{"a@b.example", `back\slash 'quoted'`, `'a' 'a@b.example' 'b' 'back' 'example' 'quoted' 'slash' `},
		{"a@b.example", "ﬁnance Ⅷ", `'a' 'a@b.example' 'b' 'example' 'finance' 'viii' `},
		{"a@b.example", "李 小龍", `'a' 'a@b.example' 'b' 'example' '小龍' '李' `},
		{"Ada@XN--Bcher-KVA.example", "", `'ada' 'ada@xn--bcher-kva.example' 'bcher' 'example' 'kva' 'xn' `},
		{"Ada@BÜCHER.example", "", `'ada' 'ada@bucher.example' 'ada@xn--bcher-kva.example' 'bcher' 'bucher' 'example' 'kva' 'xn' `},
		{"Jürgen@example.com", "", `'com' 'example' 'jurgen' 'jurgen@example.com' `}, // from a log with other rules
		{"", "Nobody", `'nobody' `},
	} {
		if got := quoteAll(Profile{User: domain.User{Email: c.address, FirstName: c.name}}.withTerms().found.words); got != c.want {
			t.Errorf("the words of %q and %q are %s, want %s", c.address, c.name, got, c.want)
		}
	}
}

// What has not changed is not made out again, and what has is.
func TestTermsFollowTheUser(t *testing.T) {
	t.Parallel()
	var p Profile
	for _, u := range []domain.User{
		{Email: "ada@example.com", DisplayName: "Ada"},
		{Email: "ada@example.com", DisplayName: "Countess", LastName: "Lovelace"},
		{Email: "king@example.org", DisplayName: "Countess", LastName: "Lovelace"},
		{Email: "king@example.org", DisplayName: "Countess", FirstName: "Lovelace"},
		{},
	} {
		p.User = u
		p = p.withTerms()
		fresh := Profile{User: u}.withTerms()
		if p.found.address != fresh.found.address || !slices.Equal(p.found.words, fresh.found.words) {
			t.Errorf("found by %q %q, want %q %q", p.found.address, p.found.words, fresh.found.address, fresh.found.words)
		}
		if again := p.withTerms(); again.found != p.found {
			t.Errorf("the words of %q were made out twice", u.Email)
		}
	}
}

func TestQueryAsksForPrefixesOfWords(t *testing.T) {
	t.Parallel()
	for q, want := range map[string]string{
		"lov":           `'lov':*`,
		"Ada  LOV":      `'ada':* & 'lov':*`,
		"ada@Exam":      `'ada@exam':*`,
		"jose-maria":    `'jose':* & 'maria':*`,
		"& | ! ' \\ :*": ``,
		"it's":          `'it':* & 's':*`,
		"o'hara@e":      `'o''hara@e':*`,
		`a\b@c`:         `'a\\b@c':*`,
	} {
		if got := prefixes(q); got != want {
			t.Errorf("prefixes(%q) = %s, want %s", q, got, want)
		}
	}
}
