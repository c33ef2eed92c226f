package domain_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/usersvc/usersvc/internal/domain"
)

// Parts at the limits.
var (
	local64   = strings.Repeat("l", 64)
	label63   = strings.Repeat("d", 63)
	domain189 = strings.Join([]string{strings.Repeat("a", 61), label63, label63}, ".") // 64 + @ + 189 = 254
	hanLabel  = strings.Repeat("食", 56)                                                // 168 octets, 63 as an A-label
	longGiven = strings.Repeat("a\u0308\u0304", 52)                                    // 260 octets, 58 as an A-label
	hanALabel = "xn--r35" + strings.Repeat("a", 56)
)

// acceptedEmails maps addresses to their canonical form.
var acceptedEmails = []struct{ name, given, canonical string }{
	{"plain", "ada@example.com", "ada@example.com"},
	{"capitals", "Ada@EXAMPLE.Com", "ada@example.com"},
	{"tag", "ada+news@example.com", "ada+news@example.com"},
	{"dots stay", "a.d.a@example.com", "a.d.a@example.com"},
	{"every atom character", "!#$%&'*+-/=?^_`{|}~09azAZ@example.com", "!#$%&'*+-/=?^_`{|}~09azaz@example.com"},
	{"shortest", "a@b.c", "a@b.c"},
	{"digits", "1@2.c3", "1@2.c3"},
	{"many labels", "ada@a.b.c.d.example.com", "ada@a.b.c.d.example.com"},
	{"hyphens inside", "ada@a-b-c.example.com", "ada@a-b-c.example.com"},
	{"double hyphen elsewhere", "ada@abc--d.example", "ada@abc--d.example"},
	{"longest local part", local64 + "@example.com", local64 + "@example.com"},
	{"longest label", "ada@" + label63 + ".com", "ada@" + label63 + ".com"},
	{"254 octets", local64 + "@" + domain189, local64 + "@" + domain189},
	{"umlaut", "ada@bücher.example", "ada@xn--bcher-kva.example"},
	{"capital umlaut", "ada@BÜCHER.example", "ada@xn--bcher-kva.example"},
	{"decomposed umlaut", "ada@bu\u0308cher.example", "ada@xn--bcher-kva.example"},
	{"composed in lower case only", "ada@H\u0331a.example", "ada@xn--a-eum.example"},
	{"A-label", "ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"},
	{"A-label in capitals", "ada@XN--BCHER-KVA.example", "ada@xn--bcher-kva.example"},
	{"sharp s is a letter of its own", "ada@straße.example", "ada@xn--strae-oqa.example"},
	{"final sigma is a letter of its own", "ada@βόλος.example", "ada@xn--nxasmm1c.example"},
	{"Cyrillic throughout", "ada@пример.рф", "ada@xn--e1afmkfd.xn--p1ai"},
	{"Latin and Cyrillic in two labels", "ada@example.рф", "ada@example.xn--p1ai"},
	{"Hebrew", "ada@דוגמה.example", "ada@xn--6dbbec0c.example"},
	{"Arabic", "ada@مثال.example", "ada@xn--mgbh0fb.example"},
	{"Hindi with marks", "ada@उदाहरण.example", "ada@xn--p1b6ci4b4b3a.example"},
	{"Chinese", "ada@食狮.中国", "ada@xn--85x722f.xn--fiqs8s"},
	{"Japanese in three scripts", "ada@日本のドメイン.example", "ada@xn--u9jxfoe1dzd2589ao4b.example"},
	{"Korean with Han", "ada@한국韓國.example", "ada@xn--9cs902m8snlq0b.example"},
	{"Han with Bopomofo", "ada@中ㄅ.example", "ada@xn--5ek909f.example"},
	{"Han with digits", "ada@食1.example", "ada@xn--1-8x7d.example"},
	{"Catalan middle dot", "ada@col·legi.example", "ada@xn--collegi-xma.example"},
	{"Cherokee", "ada@ᏣᎳᎩ.example", "ada@xn--f9dt7l.example"},
	{"Ohm sign is Omega to NFC", "ada@\u2126.example", "ada@xn--bya.example"},
	{"given form longer than 254 octets", "ada@" + hanLabel + "." + hanLabel + ".example", "ada@" + hanALabel + "." + hanALabel + ".example"},
}

// refusedEmails are 422 with the code invalid_email where no other is given.
var refusedEmails = []struct{ name, given, code string }{
	{"empty", "", "required"},
	{"no @", "ada.example.com", ""},
	{"@ alone", "@", ""},
	{"no local part", "@example.com", ""},
	{"no domain", "ada@", ""},
	{"two @", "ada@b@example.com", ""},
	{"leading space", " ada@example.com", ""},
	{"trailing space", "ada@example.com ", ""},
	{"line feed at the end", "ada@example.com\n", ""},
	{"header injection", "ada@example.com\r\nBcc: eve@example.com", ""},
	{"nul in the local part", "a\x00da@example.com", ""},
	{"nul in the domain", "ada@exam\x00ple.com", ""},
	{"delete", "ada\x7f@example.com", ""},
	{"invalid UTF-8", "ada@ex\xffample.com", ""},
	{"invalid UTF-8 in the local part", "a\xffda@example.com", ""},
	{"invalid UTF-8 in an A-label", "ada@xn--bcher-\xffkva.example", ""},
	{"surrogate", "ada@ex\xed\xa0\x80ample.com", ""},
	{"display name", "Ada <ada@example.com>", ""},
	{"comment", "ada(work)@example.com", ""},
	{"list", "ada@example.com,eve@example.com", ""},
	{"quoted local part", `"ada"@example.com`, ""},
	{"quoted space", `"ada lovelace"@example.com`, ""},
	{"quoted @", `"a@b"@example.com`, ""},
	{"backslash", `a\da@example.com`, ""},
	{"leading dot", ".ada@example.com", ""},
	{"trailing dot in the local part", "ada.@example.com", ""},
	{"double dot", "a..da@example.com", ""},
	{"local part of 65", local64 + "l@example.com", "too_long"},
	{"local part outside ASCII", "adä@example.com", ""},
	{"local part with a Kelvin sign", "\u212aarl@example.com", ""},
	{"local part with a Cyrillic а", "\u0430da@example.com", ""},
	{"full-width @", "ada\uff20example.com", ""},
	{"single label", "ada@localhost", ""},
	{"trailing dot", "ada@example.com.", ""},
	{"leading dot in the domain", "ada@.example.com", ""},
	{"empty label", "ada@example..com", ""},
	{"IPv4", "ada@127.0.0.1", ""},
	{"IPv4 literal", "ada@[127.0.0.1]", ""},
	{"IPv6 literal", "ada@[IPv6:::1]", ""},
	{"numeric top level", "ada@example.123", ""},
	{"port", "ada@example.com:25", ""},
	{"underscore", "ada@ex_ample.com", ""},
	{"percent", "ada@ex%61mple.com", ""},
	{"leading hyphen", "ada@-example.com", ""},
	{"trailing hyphen", "ada@example-.com", ""},
	{"hyphens that announce an encoding", "ada@ab--cd.com", ""},
	{"hyphens that announce an encoding, beside a letter outside ASCII", "ada@ab--cä.com", ""},
	{"label of 64", "ada@" + label63 + "d.com", ""},
	{"A-label of 64", "ada@" + hanLabel + "食.com", ""},
	{"255 octets", local64 + "@b" + domain189, "too_long"},
	{"given form of 1,054 octets, 246 canonical", "abcdefgh@" + strings.Repeat(longGiven+".", 4) + "c", "too_long"},
	{"beyond all reason", "ada@" + strings.Repeat("ä.", 1000) + "com", "too_long"},
	{"zero-width space", "ada@exam\u200bple.com", ""},
	{"zero-width space in the local part", "a\u200bda@example.com", ""},
	{"zero-width joiner", "ada@क\u094d\u200dष.example", ""},
	{"zero-width non-joiner", "ada@exam\u200cple.com", ""},
	{"word joiner", "ada@exam\u2060ple.com", ""},
	{"byte order mark", "\ufeffada@example.com", ""},
	{"byte order mark in the domain", "ada@\ufeffexample.com", ""},
	{"soft hyphen", "ada@exam\u00adple.com", ""},
	{"right-to-left override", "ada@\u202emoc.elpmaxe", ""},
	{"right-to-left mark", "ada@דוגמה\u200f.example", ""},
	{"left-to-right isolate", "ada@\u2066example\u2069.com", ""},
	{"grapheme joiner", "ada@exam\u034fple.com", ""},
	{"variation selector", "ada@exam\ufe0fple.com", ""},
	{"tag character", "ada@exam\U000e0061ple.com", ""},
	{"Hangul filler", "ada@exam\u3164ple.com", ""},
	{"no-break space", "ada@exam\u00a0ple.com", ""},
	{"line separator", "ada@exam\u2028ple.com", ""},
	{"private use", "ada@exam\ue000ple.com", ""},
	{"unassigned", "ada@exam\u0378ple.com", ""},
	{"replacement character", "ada@exam\ufffdple.com", ""},
	{"full-width letters", "ada@ｅｘａｍｐｌｅ.com", ""},
	{"full-width A-label", "ada@ｘｎ－－bcher-kva.example", ""},
	{"mathematical letters", "ada@𝐞𝐱𝐚𝐦𝐩𝐥𝐞.com", ""},
	{"circled letters", "ada@ⓔⓧⓐⓜⓟⓛⓔ.com", ""},
	{"Kelvin sign", "ada@\u212aelvin.com", ""},
	{"Kelvin sign in an A-label", "ada@xn--bcher-\u212ava.example", ""},
	{"dotted capital I", "ada@\u0130stanbul.com", ""},
	{"long s", "ada@\u017fport.com", ""},
	{"capital sharp s", "ada@STRA\u1e9eE.example", ""},
	{"ligature", "ada@\ufb01re.com", ""},
	{"superscript", "ada@x².com", ""},
	{"micro sign", "ada@\u00b5.example", ""},
	{"half-width Katakana", "ada@ﾄﾞﾒｲﾝ.example", ""},
	{"ideographic full stop", "ada@example\u3002com", ""},
	{"full-width full stop", "ada@example\uff0ecom", ""},
	{"half-width ideographic full stop", "ada@a.example\uff61com", ""},
	{"one dot leader", "ada@example\u2024com", ""},
	{"fraction slash", "ada@example.com\u2044evil.example", ""},
	{"division slash", "ada@example.com\u2215evil.example", ""},
	{"emoji", "ada@\u2764.example", ""},
	{"leading combining mark", "ada@\u0301example.com", ""},
	{"Latin with Cyrillic а", "ada@p\u0430ypal.com", ""},
	{"Cyrillic with Latin e", "ada@прим\u0065р.рф", ""},
	{"Latin with Greek omicron", "ada@g\u03bf\u03bfgle.com", ""},
	{"Latin with Armenian", "ada@g\u0585ogle.com", ""},
	{"Latin with Cherokee", "ada@\u13d9ouble.com", ""},
	{"Latin with Han", "ada@store食.com", ""},
	{"Hangul with Katakana", "ada@한ド.example", ""},
	{"Hiragana with Bopomofo", "ada@のㄅ.example", ""},
	{"Latin with Cyrillic а, as an A-label", "ada@xn--pypal-4ve.com", ""},
	{"A-label of a full-width letter", "ada@xn--mi7c.com", ""},
	{"A-label of a capital", "ada@xn--bcher-2pa.example", ""},
	{"A-label of a decomposed letter", "ada@xn--ex-8tb.example", ""},
	{"A-label of a zero-width space", "ada@xn--abc-6m0a.example", ""},
	{"A-label that is cut off", "ada@xn--bcher-kva0.example", ""},
	{"A-label of an emoji", "ada@xn--qei.example", ""},
	{"A-label of ASCII", "ada@xn--example-.com", ""},
	{"A-label of nothing", "ada@xn--.com", ""},
	{"A-label that is no punycode", "ada@xn--a\u00e4.com", ""},
	{"A-label that overflows", "ada@xn--99999999999.com", ""},
	{"right-to-left label that begins with a digit", "ada@1דוגמה.example", ""},
	{"right-to-left label with left-to-right letters", "ada@דabc.example", ""},
}

func TestParseEmailAccepts(t *testing.T) {
	for _, c := range acceptedEmails {
		t.Run(c.name, func(t *testing.T) {
			e, err := domain.ParseEmail(c.given)
			if err != nil {
				t.Fatalf("%q: %v", c.given, err)
			}
			if e.String() != c.given || e.Canonical() != c.canonical {
				t.Fatalf("%q: given %q, canonical %q, want %q", c.given, e.String(), e.Canonical(), c.canonical)
			}
			if again := email(e.Canonical()); again.Canonical() != c.canonical {
				t.Fatalf("the canonical form of %q is %q", c.canonical, again.Canonical())
			}
			if stored := domain.CanonicalEmail(c.given); stored != c.canonical {
				t.Fatalf("CanonicalEmail: got %q, want %q", stored, c.canonical)
			}
		})
	}
}

func TestParseEmailRefuses(t *testing.T) {
	for _, c := range refusedEmails {
		t.Run(c.name, func(t *testing.T) {
			e, err := domain.ParseEmail(c.given)
			if err == nil {
				t.Fatalf("%q was accepted as %q", c.given, e.Canonical())
			}
			want := c.code
			if want == "" {
				want = "invalid_email"
			}
			if got := code(t, err, "email"); got != want {
				t.Fatalf("%q: code %q, want %q", c.given, got, want)
			}
			if c.given != "" && len(c.given) > 1 && strings.Contains(err.Error(), c.given) {
				t.Fatalf("the error repeats the address: %v", err)
			}
		})
	}
}

func TestAddressesThatStayApart(t *testing.T) {
	for _, c := range []struct{ name, a, b string }{
		{"tag", "ada+x@example.com", "ada@example.com"},
		{"dots", "a.da@example.com", "ada@example.com"},
		{"sharp s", "ada@straße.example", "ada@strasse.example"},
		{"umlaut", "ada@bücher.example", "ada@bucher.example"},
		{"Cyrillic throughout", "ada@\u0440\u0430\u0443.example", "ada@pay.example"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if email(c.a).Canonical() == email(c.b).Canonical() {
				t.Fatalf("%q and %q are the same", c.a, c.b)
			}
		})
	}
}

func TestCanonicalEmailOfWhatIsRefusedToday(t *testing.T) {
	for given, want := range map[string]string{
		"Not An Address":     "not an address",
		"ADA@localhost":      "ada@localhost",
		"\u212aARL@x.com":    "\u212aarl@x.com",
		"ada@\u0130X.com":    "ada@\u0130x.com",
		`"A B"@Example.com`:  `"a b"@example.com`,
		"":                   "",
		"ada@EXAMPLE\u3002x": "ada@example\u3002x",
	} {
		got := domain.CanonicalEmail(given)
		if got != want || domain.CanonicalEmail(got) != got {
			t.Errorf("%q: got %q, want %q", given, got, want)
		}
	}
}

// FuzzParseEmail holds every accepted address to what Canonical promises.
func FuzzParseEmail(f *testing.F) {
	for _, c := range acceptedEmails {
		f.Add(c.given)
	}
	for _, c := range refusedEmails {
		f.Add(c.given)
	}
	f.Fuzz(func(t *testing.T, given string) {
		e, err := domain.ParseEmail(given)
		if stored := domain.CanonicalEmail(given); domain.CanonicalEmail(stored) != stored {
			t.Fatalf("CanonicalEmail(%q) is %q, which is not its own canonical form", given, stored)
		}
		if err != nil {
			if code(t, err, "email") == "" || e != (domain.Email{}) {
				t.Fatalf("%q: %v with %v", given, err, e)
			}
			return
		}
		checkCanonical(t, given, e.Canonical())
	})
}

func checkCanonical(t *testing.T, given, canonical string) {
	t.Helper()
	local, host, _ := strings.Cut(canonical, "@")
	if len(local) == 0 || len(local) > 64 || len(canonical) > 254 || !strings.Contains(host, ".") {
		t.Fatalf("%q: %q breaks the limits", given, canonical)
	}
	if strings.ContainsFunc(canonical, func(r rune) bool { return r <= ' ' || r >= 0x7f || 'A' <= r && r <= 'Z' }) {
		t.Fatalf("%q: %q is not lower-case ASCII", given, canonical)
	}
	again, err := domain.ParseEmail(canonical)
	if err != nil || again.Canonical() != canonical {
		t.Fatalf("%q: %q is not its own canonical form: %q, %v", given, canonical, again.Canonical(), err)
	}
	if domain.CanonicalEmail(given) != canonical {
		t.Fatalf("%q: CanonicalEmail disagrees with %q", given, canonical)
	}
}

func TestPrintedAddressIsHidden(t *testing.T) {
	t.Parallel()
	e, err := domain.ParseEmail("ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	within := struct{ Email domain.Email }{e}
	if said := fmt.Sprintf("%v %s %q %+v %#v %v", e, e, e, within, within, &within); strings.Contains(said, "ada") {
		t.Errorf("printed: %s", said)
	}
	if e.String() != "ada@example.com" {
		t.Errorf("asked for: %s", e.String())
	}
}
