package authtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Bad are what attackers send, and what is sent by mistake.
func Bad(t testing.TB) map[string]string {
	t.Helper()
	now := time.Now().Unix()
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&Signers["RS256"].Key.(*rsa.PrivateKey).PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	pemText := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	believed := Token(t, "ES256", Good())
	parts := strings.Split(believed, ".")
	mine := jose.JSONWebKey{Key: stranger, KeyID: "mine", Algorithm: "ES256"}
	own := mine.Public()
	bad := map[string]string{
		"empty":                        "",
		"a word":                       "token",
		"dots":                         "..",
		"a mebibyte of dots":           strings.Repeat(".", 1<<20),
		"a mebibyte of text":           parts[0] + "." + strings.Repeat("A", 1<<20) + "." + parts[2],
		"no signature":                 parts[0] + "." + parts[1] + ".",
		"another's signature":          parts[0] + "." + parts[1] + "." + strings.Split(Token(t, "ES256", With(Good(), "sub", "eve")), ".")[2],
		"four parts":                   believed + ".x",
		"not base64":                   "@." + parts[1] + "." + parts[2],
		"padding":                      parts[0] + "==." + parts[1] + "." + parts[2],
		"alg none":                     encode(text(t, Claims{"alg": "none", "kid": "ES256"})) + "." + parts[1] + ".",
		"alg None":                     encode(text(t, Claims{"alg": "None", "kid": "ES256"})) + "." + parts[1] + "." + parts[2],
		"no alg":                       encode(text(t, Claims{"kid": "ES256"})) + "." + parts[1] + "." + parts[2],
		"HS256 with the public PEM":    sign(t, "HS256", pemText, text(t, Claims{"alg": "HS256", "kid": "RS256"}), text(t, Good())),
		"HS256 with an empty secret":   sign(t, "HS256", []byte{}, text(t, Claims{"alg": "HS256", "kid": "RS256"}), text(t, Good())),
		"RS256 under the key of PS256": sign(t, "RS256", Signers["PS256"].Key, text(t, Claims{"alg": "RS256", "kid": "PS256"}), text(t, Good())),
		"PS256 under the key of RS256": sign(t, "PS256", Signers["RS256"].Key, text(t, Claims{"alg": "PS256", "kid": "RS256"}), text(t, Good())),
		"ES384":                        encode(text(t, Claims{"alg": "ES384", "kid": "ES256"})) + "." + parts[1] + "." + parts[2],
		"a stranger's key":             sign(t, "ES256", stranger, text(t, Claims{"alg": "ES256", "kid": "ES256"}), text(t, Good())),
		"an unknown key":               Token(t, "ES256", Good(), "kid", "another"),
		"no key id":                    Token(t, "ES256", Good(), "kid", nil),
		"a path for a key id":          Token(t, "ES256", Good(), "kid", "../../dev/null"),
		"its own key, jwk":             sign(t, "ES256", stranger, text(t, Claims{"alg": "ES256", "kid": "mine", "jwk": own}), text(t, Good())),
		"its own key, jku":             sign(t, "ES256", stranger, text(t, Claims{"alg": "ES256", "kid": "mine", "jku": "https://evil.example.com/jwks"}), text(t, Good())),
		"its own certificate, x5u":     sign(t, "ES256", stranger, text(t, Claims{"alg": "ES256", "kid": "ES256", "x5u": "https://evil.example.com/"}), text(t, Good())),
		"critical":                     Token(t, "ES256", Good(), "crit", []string{"exp"}),
		"critical b64":                 Token(t, "ES256", Good(), "crit", []string{"b64"}, "b64", false),
		"critical and empty":           Token(t, "ES256", Good(), "crit", []string{}),
		"an ID token":                  Token(t, "ES256", Good(), "typ", "id+jwt"),
		"a logout token":               Token(t, "ES256", Good(), "typ", "logout+jwt"),
		"a header twice":               sign(t, "ES256", Signers["ES256"].Key, `{"alg":"none","alg":"ES256","kid":"ES256"}`, text(t, Good())),
		"no expiry":                    Token(t, "ES256", With(Good(), "exp", nil)),
		"expired":                      Token(t, "ES256", With(Good(), "exp", now-61)),
		"expiry as text":               Token(t, "ES256", With(Good(), "exp", "4102444800")),
		"expiry beyond numbers":        sign(t, "ES256", Signers["ES256"].Key, text(t, Claims{"alg": "ES256", "kid": "ES256"}), strings.Replace(text(t, Good()), `"exp":`, `"exp":1e300,"x":`, 1)),
		"no issuing time":              Token(t, "ES256", With(Good(), "iat", nil)),
		"issued in the future":         Token(t, "ES256", With(Good(), "iat", now+120)),
		"not valid yet":                Token(t, "ES256", With(Good(), "nbf", now+120)),
		"no Issuer":                    Token(t, "ES256", With(Good(), "iss", nil)),
		"another Issuer":               Token(t, "ES256", With(Good(), "iss", "https://id.example.com.evil.example.com")),
		"no audience":                  Token(t, "ES256", With(Good(), "aud", nil)),
		"another audience":             Token(t, "ES256", With(Good(), "aud", "billing")),
		"other audiences":              Token(t, "ES256", With(Good(), "aud", []string{"usersvc2", "USERSVC"})),
		"no subject":                   Token(t, "ES256", With(Good(), "sub", nil)),
		"an empty subject":             Token(t, "ES256", With(Good(), "sub", "")),
		"a subject with a line break":  Token(t, "ES256", With(Good(), "sub", "ada\nadmin")),
		"a long subject":               Token(t, "ES256", With(Good(), "sub", strings.Repeat("a", 256))),
		"a claim twice":                sign(t, "ES256", Signers["ES256"].Key, text(t, Claims{"alg": "ES256", "kid": "ES256"}), strings.Replace(text(t, Good()), `"sub":`, `"sub":"admin","sub":`, 1)),
		"claims in a list":             sign(t, "ES256", Signers["ES256"].Key, text(t, Claims{"alg": "ES256", "kid": "ES256"}), "["+text(t, Good())+"]"),
		"claims and more":              sign(t, "ES256", Signers["ES256"].Key, text(t, Claims{"alg": "ES256", "kid": "ES256"}), text(t, Good())+"{}"),
	}
	return bad
}
