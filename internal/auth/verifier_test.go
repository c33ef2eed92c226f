package auth

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/usersvc/usersvc/internal/auth/authtest"
)

func newVerifier() *Verifier {
	document := authtest.KeySet(authtest.Signers)
	return NewVerifier(authtest.Issuer, authtest.Audience, NewKeys(func(context.Context) ([]byte, error) { return document, nil }))
}

func TestGoodTokensAreBelieved(t *testing.T) {
	t.Parallel()
	v := newVerifier()
	now := time.Now().Unix()
	for alg := range authtest.Signers {
		for name, tok := range map[string]string{
			"as it should be":   authtest.Token(t, alg, authtest.Good()),
			"type JWT":          authtest.Token(t, alg, authtest.Good(), "typ", "JWT"),
			"no type":           authtest.Token(t, alg, authtest.Good(), "typ", nil),
			"full type":         authtest.Token(t, alg, authtest.Good(), "typ", "application/at+jwt"),
			"several audiences": authtest.Token(t, alg, authtest.With(authtest.Good(), "aud", []string{"other", authtest.Audience})),
			"a clock behind":    authtest.Token(t, alg, authtest.With(authtest.Good(), "iat", now+30, "nbf", now+30)),
			"a clock ahead":     authtest.Token(t, alg, authtest.With(authtest.Good(), "exp", now-30)),
			"unknown claims":    authtest.Token(t, alg, authtest.With(authtest.Good(), "email", "ada@example.com", "roles", []string{"admin"})),
		} {
			caller, err := v.Verify(t.Context(), tok)
			if err != nil || caller.Subject != "ada" || caller.ClientID != "shop" || !caller.Has("users:write") || caller.Has("users:admin") {
				t.Errorf("%s, %s: %+v, %v", alg, name, caller, err)
			}
		}
	}
}

func TestBadTokensAreRefused(t *testing.T) {
	t.Parallel()
	v := newVerifier()
	bad := authtest.Bad(t)
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
