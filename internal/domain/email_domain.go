package domain

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

const (
	maxLabel  = 63 // RFC 1035 §2.3.4
	acePrefix = "xn--"
	// kelvinSign is the one letter outside ASCII that NFC moves into it.
	kelvinSign = '\u212a'
	// contextual characters are admitted by RFC 5892 §2.6 beside letters,
	// marks and digits. As in every lookup, their neighbours are not checked.
	contextual = "\u00b7\u0375\u05f3\u05f4\u06fd\u06fe\u0f0b\u3007\u30fb"
)

var (
	errDomain = invalidEmail("The part after the @ must be a domain name of two labels or more, each up to 63 letters, digits and inner hyphens.")
	errIDN    = invalidEmail("The part after the @ is not an internationalised domain name.")
	errMapped = invalidEmail("The part after the @ has a character that stands for another one or for nothing.")
	errSymbol = invalidEmail("The part after the @ must be letters and digits, without symbols or invisible characters.")
	errScript = invalidEmail("The part after the @ has a label of mixed scripts.")
)

// canonicalDomain returns a domain as A-labels in lower case.
func canonicalDomain(given string) (string, error) {
	host := strings.ToLower(given)
	if !isASCII(given) || strings.Contains(host, acePrefix) {
		var err error
		if host, err = toALabels(given); err != nil {
			return "", err
		}
	}
	// Nearly all addresses come straight here: this is all that IDNA asks of
	// a plain ASCII name.
	return host, checkHost(host)
}

// toALabels goes through IDNA and back, and refuses what does not come back
// as the same letters.
func toALabels(given string) (string, error) {
	host, encodeErr := idna.Lookup.ToASCII(given)
	shown, decodeErr := idna.Lookup.ToUnicode(host)
	if encodeErr != nil || decodeErr != nil {
		return "", errIDN
	}
	givenLabels, aLabels, uLabels := strings.Split(given, "."), strings.Split(host, "."), strings.Split(shown, ".")
	if len(givenLabels) != len(aLabels) || len(aLabels) != len(uLabels) {
		return "", errMapped // something was taken for a dot
	}
	for i, label := range givenLabels {
		if !isSameLabel(label, aLabels[i], uLabels[i]) {
			return "", errMapped
		}
		if err := checkULabel(uLabels[i]); err != nil {
			return "", err
		}
	}
	return host, nil
}

// isSameLabel reports whether IDNA changed a label in nothing but case and
// NFC. A label that came encoded must be the encoding of what it decodes to.
func isSameLabel(given, aLabel, uLabel string) bool {
	if strings.ContainsRune(given, kelvinSign) {
		return false
	}
	if strings.HasPrefix(strings.ToLower(given), acePrefix) {
		return strings.ToLower(given) == aLabel
	}
	return lowerNFC(given) == lowerNFC(uLabel)
}

// lowerNFC composes twice, because a small letter may have a composed form
// where the capital has none. Taken of both sides, it does not matter that
// IDNA folds Cherokee to capitals.
func lowerNFC(label string) string {
	return norm.NFC.String(strings.ToLower(norm.NFC.String(label)))
}

// checkULabel refuses symbols and joiners, which the tables of UTS 46 let
// through: a fraction slash is no slash. IDNA itself (RFC 5892) admits no
// symbols either.
func checkULabel(label string) error {
	for _, r := range label {
		if r >= utf8.RuneSelf && !unicode.In(r, unicode.L, unicode.M, unicode.Nd) && !strings.ContainsRune(contextual, r) {
			return errSymbol
		}
	}
	if !isOneScript(label) {
		return errScript
	}
	return nil
}

// checkHost asks of the ASCII form what DNS and mail ask. A last label of
// digits would be an IP address.
func checkHost(host string) error {
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if !isHostLabel(label) {
			return errDomain
		}
	}
	if last := labels[len(labels)-1]; len(labels) < 2 || strings.Trim(last, "0123456789") == "" {
		return errDomain
	}
	return nil
}

func isHostLabel(label string) bool {
	if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	// Hyphens in the third and fourth place announce an encoding.
	if len(label) > 4 && label[2:4] == "--" && !strings.HasPrefix(label, acePrefix) {
		return false
	}
	return !strings.ContainsFunc(label, func(r rune) bool { return !isLetterOrDigit(r) && r != '-' })
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
