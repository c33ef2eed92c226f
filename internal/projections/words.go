package projections

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Text search compares words that are folded here and not in the database: so they are the same under
// every locale of the server, and no extension is needed.

const maxLexeme = 500 // bytes; PostgreSQL takes 2,046, and nobody types as many

// quoteAll is the tsvector of words, as text.
func quoteAll(words []string) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString(quote(w))
		b.WriteByte(' ')
	}
	return b.String()
}

// spellings are those that an address is found by. One whose domain is not in ASCII looks otherwise in canonical form.
func spellings(given, canonical string) []string {
	switch {
	case given == "": // a user whose creation was given up has none
		return nil
	case isPlain(given): // and differs in case alone
		return []string{canonical}
	}
	return []string{canonical, given}
}

// wordsOfAddress are the words of an address, as it is spelled, and the address whole.
func wordsOfAddress(spelled []string) (words []string) {
	for _, spelling := range spelled {
		words = append(append(words, split(spelling)...), fold(spelling))
	}
	return words
}

func wordsOfNames(names ...string) (words []string) {
	for _, name := range names {
		words = append(words, split(name)...)
	}
	return words
}

// lexemes are different words, in order.
func lexemes(words ...string) []string {
	for i, w := range words {
		words[i] = truncate(w)
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// prefixes is the tsquery for "every word of q begins a word of the text". An address is one word.
func prefixes(q string) string { return strings.Join(termsOf(q), " & ") }

// anyPrefix is the tsquery for "some word of q begins a word of the text".
func anyPrefix(q string) string { return strings.Join(termsOf(q), " | ") }

func termsOf(q string) (terms []string) {
	for _, field := range strings.Fields(q) {
		words := split(field)
		if strings.ContainsRune(field, '@') {
			words = []string{fold(field)}
		}
		for _, w := range words {
			terms = append(terms, quote(w)+":*")
		}
	}
	return terms
}

func split(s string) []string {
	return strings.FieldsFunc(fold(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
}

// fold drops case, accents and the difference between compatible forms.
func fold(s string) string {
	if isPlain(s) {
		return strings.ToLower(s)
	}
	decomposed := norm.NFKD.String(cases.Fold().String(s))
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, decomposed)
}

func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// quote writes a lexeme as tsvector and tsquery read it.
func quote(w string) string { return "'" + escape.Replace(truncate(w)) + "'" }

func truncate(w string) string {
	if len(w) > maxLexeme {
		w = strings.ToValidUTF8(w[:maxLexeme], "")
	}
	return w
}

var escape = strings.NewReplacer(`'`, `''`, `\`, `\\`)
