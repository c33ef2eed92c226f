package domain

import "testing"

func TestIsOneScript(t *testing.T) {
	for label, want := range map[string]bool{
		"":                     true,
		"1-2":                  true,
		"example":              true,
		"пример":               true,
		"ex1-a\u0301":          true,  // digits, hyphens and marks belong to all
		"日本のドメイン":              true,  // Han, Hiragana, Katakana
		"のド":                   true,  // Hiragana, Katakana
		"한국韓國":                 true,  // Hangul, Han
		"中ㄅ":                   true,  // Han, Bopomofo
		"中のㄅ":                  false, // Japanese and Chinese
		"한の":                   false,
		"한ㄅ":                   false,
		"exаmple":              false, // Cyrillic а
		"αb":                   false,
		"store食":               false,
		"दa":                   false,
		"\u0378":               false, // unassigned
		"a\u0378":              false,
		"\U00010428\U0001042a": true, // beyond the basic plane: Deseret
	} {
		if got := isOneScript(label); got != want {
			t.Errorf("%q: got %t, want %t", label, got, want)
		}
	}
}
