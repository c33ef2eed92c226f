package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	issuer = "https://id.example.com"
	us     = "usersvc"
)

// signers has a private key for each algorithm that is taken, named after it.
var signers = func() map[string]jose.JSONWebKey {
	one, err := rsa.GenerateKey(rand.Reader, 2048)
	two, err2 := rsa.GenerateKey(rand.Reader, 2048)
	curve, err3 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, edwards, err4 := ed25519.GenerateKey(rand.Reader)
	if err := errors.Join(err, err2, err3, err4); err != nil {
		panic(err)
	}
	keys := map[string]jose.JSONWebKey{}
	for name, key := range map[string]any{"RS256": one, "PS256": two, "ES256": curve, "EdDSA": edwards} {
		keys[name] = jose.JSONWebKey{Key: key, KeyID: name, Algorithm: name, Use: "sig"}
	}
	return keys
}()

func keySet(keys map[string]jose.JSONWebKey) []byte {
	var set jose.JSONWebKeySet
	for _, key := range keys {
		set.Keys = append(set.Keys, key.Public())
	}
	document, err := json.Marshal(set)
	if err != nil {
		panic(err)
	}
	return document
}

func newVerifier() *Verifier {
	document := keySet(signers)
	return NewVerifier(issuer, us, NewKeys(func(context.Context) ([]byte, error) { return document, nil }))
}

type object map[string]any

// good are the claims of a token that is believed.
func good() object {
	now := time.Now().Unix()
	return object{"iss": issuer, "aud": us, "sub": "ada", "iat": now, "exp": now + 300, "client_id": "shop", "scope": "users:read users:write"}
}

func with(o object, changes ...any) object {
	changed := maps.Clone(o)
	for i := 0; i < len(changes); i += 2 {
		if name := changes[i].(string); changes[i+1] == nil {
			delete(changed, name)
		} else {
			changed[name] = changes[i+1]
		}
	}
	return changed
}

// sign signs whatever it is given, as an attacker would.
func sign(t *testing.T, alg string, key any, head, payload string) string {
	t.Helper()
	input := encode(head) + "." + encode(payload)
	signature, err := signatureOf(alg, key, []byte(input))
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func token(t *testing.T, alg string, claims object, header ...any) string {
	t.Helper()
	head := with(object{"alg": alg, "kid": alg, "typ": "at+jwt"}, header...)
	return sign(t, alg, signers[alg].Key, text(t, head), text(t, claims))
}

func TestGoodTokensAreBelieved(t *testing.T) {
	t.Parallel()
	v := newVerifier()
	now := time.Now().Unix()
	for alg := range signers {
		for name, tok := range map[string]string{
			"as it should be":   token(t, alg, good()),
			"type JWT":          token(t, alg, good(), "typ", "JWT"),
			"no type":           token(t, alg, good(), "typ", nil),
			"full type":         token(t, alg, good(), "typ", "application/at+jwt"),
			"several audiences": token(t, alg, with(good(), "aud", []string{"other", us})),
			"a clock behind":    token(t, alg, with(good(), "iat", now+30, "nbf", now+30)),
			"a clock ahead":     token(t, alg, with(good(), "exp", now-30)),
			"unknown claims":    token(t, alg, with(good(), "email", "ada@example.com", "roles", []string{"admin"})),
		} {
			caller, err := v.Verify(t.Context(), tok)
			if err != nil || caller.Subject != "ada" || caller.ClientID != "shop" || !caller.Has("users:write") || caller.Has("users:admin") {
				t.Errorf("%s, %s: %+v, %v", alg, name, caller, err)
			}
		}
	}
}

// badTokens are what attackers send, and what is sent by mistake.
func badTokens(t *testing.T) map[string]string {
	t.Helper()
	now := time.Now().Unix()
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&signers["RS256"].Key.(*rsa.PrivateKey).PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	pemText := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	believed := token(t, "ES256", good())
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
		"another's signature":          parts[0] + "." + parts[1] + "." + strings.Split(token(t, "ES256", with(good(), "sub", "eve")), ".")[2],
		"four parts":                   believed + ".x",
		"not base64":                   "@." + parts[1] + "." + parts[2],
		"padding":                      parts[0] + "==." + parts[1] + "." + parts[2],
		"alg none":                     encode(text(t, object{"alg": "none", "kid": "ES256"})) + "." + parts[1] + ".",
		"alg None":                     encode(text(t, object{"alg": "None", "kid": "ES256"})) + "." + parts[1] + "." + parts[2],
		"no alg":                       encode(text(t, object{"kid": "ES256"})) + "." + parts[1] + "." + parts[2],
		"HS256 with the public PEM":    sign(t, "HS256", pemText, text(t, object{"alg": "HS256", "kid": "RS256"}), text(t, good())),
		"HS256 with an empty secret":   sign(t, "HS256", []byte{}, text(t, object{"alg": "HS256", "kid": "RS256"}), text(t, good())),
		"RS256 under the key of PS256": sign(t, "RS256", signers["PS256"].Key, text(t, object{"alg": "RS256", "kid": "PS256"}), text(t, good())),
		"PS256 under the key of RS256": sign(t, "PS256", signers["RS256"].Key, text(t, object{"alg": "PS256", "kid": "RS256"}), text(t, good())),
		"ES384":                        encode(text(t, object{"alg": "ES384", "kid": "ES256"})) + "." + parts[1] + "." + parts[2],
		"a stranger's key":             sign(t, "ES256", stranger, text(t, object{"alg": "ES256", "kid": "ES256"}), text(t, good())),
		"an unknown key":               token(t, "ES256", good(), "kid", "another"),
		"no key id":                    token(t, "ES256", good(), "kid", nil),
		"a path for a key id":          token(t, "ES256", good(), "kid", "../../dev/null"),
		"its own key, jwk":             sign(t, "ES256", stranger, text(t, object{"alg": "ES256", "kid": "mine", "jwk": own}), text(t, good())),
		"its own key, jku":             sign(t, "ES256", stranger, text(t, object{"alg": "ES256", "kid": "mine", "jku": "https://evil.example.com/jwks"}), text(t, good())),
		"its own certificate, x5u":     sign(t, "ES256", stranger, text(t, object{"alg": "ES256", "kid": "ES256", "x5u": "https://evil.example.com/"}), text(t, good())),
		"critical":                     token(t, "ES256", good(), "crit", []string{"exp"}),
		"critical b64":                 token(t, "ES256", good(), "crit", []string{"b64"}, "b64", false),
		"critical and empty":           token(t, "ES256", good(), "crit", []string{}),
		"an ID token":                  token(t, "ES256", good(), "typ", "id+jwt"),
		"a logout token":               token(t, "ES256", good(), "typ", "logout+jwt"),
		"a header twice":               sign(t, "ES256", signers["ES256"].Key, `{"alg":"none","alg":"ES256","kid":"ES256"}`, text(t, good())),
		"no expiry":                    token(t, "ES256", with(good(), "exp", nil)),
		"expired":                      token(t, "ES256", with(good(), "exp", now-61)),
		"expiry as text":               token(t, "ES256", with(good(), "exp", "4102444800")),
		"expiry beyond numbers":        sign(t, "ES256", signers["ES256"].Key, text(t, object{"alg": "ES256", "kid": "ES256"}), strings.Replace(text(t, good()), `"exp":`, `"exp":1e300,"x":`, 1)),
		"no issuing time":              token(t, "ES256", with(good(), "iat", nil)),
		"issued in the future":         token(t, "ES256", with(good(), "iat", now+120)),
		"not valid yet":                token(t, "ES256", with(good(), "nbf", now+120)),
		"no issuer":                    token(t, "ES256", with(good(), "iss", nil)),
		"another issuer":               token(t, "ES256", with(good(), "iss", "https://id.example.com.evil.example.com")),
		"no audience":                  token(t, "ES256", with(good(), "aud", nil)),
		"another audience":             token(t, "ES256", with(good(), "aud", "billing")),
		"other audiences":              token(t, "ES256", with(good(), "aud", []string{"usersvc2", "USERSVC"})),
		"no subject":                   token(t, "ES256", with(good(), "sub", nil)),
		"an empty subject":             token(t, "ES256", with(good(), "sub", "")),
		"a subject with a line break":  token(t, "ES256", with(good(), "sub", "ada\nadmin")),
		"a long subject":               token(t, "ES256", with(good(), "sub", strings.Repeat("a", 256))),
		"a claim twice":                sign(t, "ES256", signers["ES256"].Key, text(t, object{"alg": "ES256", "kid": "ES256"}), strings.Replace(text(t, good()), `"sub":`, `"sub":"admin","sub":`, 1)),
		"claims in a list":             sign(t, "ES256", signers["ES256"].Key, text(t, object{"alg": "ES256", "kid": "ES256"}), "["+text(t, good())+"]"),
		"claims and more":              sign(t, "ES256", signers["ES256"].Key, text(t, object{"alg": "ES256", "kid": "ES256"}), text(t, good())+"{}"),
	}
	return bad
}

func TestBadTokensAreRefused(t *testing.T) {
	t.Parallel()
	v := newVerifier()
	bad := badTokens(t)
	if len(bad) < 40 {
		t.Errorf("only %d bad tokens", len(bad))
	}
	for name, tok := range bad {
		caller, err := v.Verify(t.Context(), tok)
		if refused := new(Refusal); !errors.As(err, &refused) {
			t.Errorf("%s: %+v, %v", name, caller, err)
		}
	}
}

func FuzzToken(f *testing.F) {
	v := newVerifier()
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("eyJhbGciOiJFUzI1NiIsImtpZCI6IkVTMjU2In0.e30.AAAA")
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := v.Verify(t.Context(), token); err == nil {
			t.Fatalf("%q is believed", token)
		}
	})
}
