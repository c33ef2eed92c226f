// Package authtest makes access tokens for tests: good ones, and all kinds of bad ones.
package authtest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// What the tokens say, and a verifier should be told.
const (
	Issuer   = "https://id.example.com"
	Audience = "usersvc"
)

// Signers has a private key for each algorithm that is taken, named after it.
var Signers = func() map[string]jose.JSONWebKey {
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

// KeySet is what an issuer publishes.
func KeySet(keys map[string]jose.JSONWebKey) []byte {
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

// Claims are members of a token, or of its header.
type Claims map[string]any

// Good are the claims of a token that is believed.
func Good() Claims {
	now := time.Now().Unix()
	return Claims{"iss": Issuer, "aud": Audience, "sub": "ada", "iat": now, "exp": now + 300, "client_id": "shop", "scope": "users:read users:write"}
}

// With returns members with others changed: a name and a value, in turns; nil takes a member away.
func With(o Claims, changes ...any) Claims {
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
func sign(t testing.TB, alg string, key any, head, payload string) string {
	t.Helper()
	input := encode(head) + "." + encode(payload)
	signature, err := signatureOf(alg, key, []byte(input))
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func text(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Token is signed with the key of an algorithm.
func Token(t testing.TB, alg string, claims Claims, header ...any) string {
	t.Helper()
	head := With(Claims{"alg": alg, "kid": alg, "typ": "at+jwt"}, header...)
	return sign(t, alg, Signers[alg].Key, text(t, head), text(t, claims))
}
