package domain

import (
	"slices"
	"unicode"
)

// writingSystems are the ones that use several scripts in one word. Latin is
// in none of them, so that no label can mix it with letters that look like it.
var writingSystems = [][]string{
	{"Han", "Hiragana", "Katakana"}, // Japanese
	{"Han", "Hangul"},               // Korean
	{"Han", "Bopomofo"},             // Chinese
}

// isOneScript reports whether the letters of a label belong to one script, or
// to one of the writing systems. Digits, hyphens and combining marks belong
// to every script. It follows UTS 39 without script extensions, and is
// stricter than its "highly restrictive" level, which lets Latin join Han.
func isOneScript(label string) bool {
	var scripts []string
	for _, r := range label {
		if unicode.In(r, unicode.Common, unicode.Inherited) || slices.ContainsFunc(scripts, hasLetter(r)) {
			continue
		}
		script, assigned := scriptOf(r)
		if !assigned {
			return false
		}
		scripts = append(scripts, script)
	}
	return len(scripts) <= 1 || slices.ContainsFunc(writingSystems, func(system []string) bool {
		return !slices.ContainsFunc(scripts, func(s string) bool { return !slices.Contains(system, s) })
	})
}

func hasLetter(r rune) func(script string) bool {
	return func(script string) bool { return unicode.Is(unicode.Scripts[script], r) }
}

// scriptOf searches all tables. Callers try the scripts they have seen first.
func scriptOf(r rune) (name string, assigned bool) {
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return name, true
		}
	}
	return "", false
}
