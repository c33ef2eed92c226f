package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
)

const (
	maxToken  = 8 << 10
	maxName   = 255 // of a subject, which is the actor in the events of its commands
	leeway    = time.Minute
	malformed = "it is not a signed token in compact form"
)

// Verifier believes the tokens of one issuer that are meant for one audience.
type Verifier struct {
	issuer, audience string
	keys             *Keys
	now              func() time.Time
}

// NewVerifier verifies with a set of keys.
func NewVerifier(issuer, audience string, keys *Keys) *Verifier {
	return &Verifier{issuer, audience, keys, time.Now}
}

// Refusal says why a token is not believed. The text is for the caller.
type Refusal struct{ Why string }

func (r *Refusal) Error() string { return "the token is refused: " + r.Why }

func refuse(why string) error { return &Refusal{why} }

// header is what is looked at of a token's header.
type header struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
	Type      string `json:"typ"`
	Critical  any    `json:"crit"`
}

// claims are those of RFC 9068 that matter here.
type claims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  audience `json:"aud"`
	Expires   *seconds `json:"exp"`
	NotBefore *seconds `json:"nbf"`
	IssuedAt  *seconds `json:"iat"`
	ClientID  string   `json:"client_id"`
	Party     string   `json:"azp"`
	Scope     string   `json:"scope"`
}

// Verify returns whom a token speaks for, or a *Refusal. It fails otherwise only when ctx ends, or there are no keys.
func (v *Verifier) Verify(ctx context.Context, token string) (Caller, error) {
	h, payload, err := open(token)
	if err != nil {
		return Caller{}, err
	}
	key, err := v.keys.Key(ctx, h.KeyID)
	if err != nil {
		return Caller{}, err
	}
	if h.Algorithm != key.Algorithm {
		return Caller{}, refuse("its algorithm is not that of its key")
	}
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(key.Algorithm)})
	if err != nil {
		return Caller{}, refuse(malformed)
	}
	if _, err := signed.Verify(key.Key); err != nil {
		return Caller{}, refuse("its signature is wrong")
	}
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil {
		return Caller{}, refuse("its claims are malformed")
	}
	return v.check(c)
}

// open takes a token apart, strictly: a member that is there twice has two meanings.
func open(token string) (h header, payload []byte, err error) {
	if len(token) > maxToken {
		return h, nil, refuse(fmt.Sprintf("it is longer than %d bytes", maxToken))
	}
	if strings.Count(token, ".") != 2 {
		return h, nil, refuse(malformed)
	}
	parts := strings.Split(token, ".")
	head, errHead := base64.RawURLEncoding.DecodeString(parts[0])
	payload, errPayload := base64.RawURLEncoding.DecodeString(parts[1])
	if errors.Join(errHead, errPayload) != nil || json.Unmarshal(head, &h) != nil {
		return h, nil, refuse(malformed)
	}
	switch typ := strings.ToLower(strings.TrimPrefix(h.Type, "application/")); {
	case h.Critical != nil:
		return h, nil, refuse("it has critical headers, and none is known here")
	case typ != "" && typ != "jwt" && typ != "at+jwt":
		return h, nil, refuse("it is no access token")
	}
	return h, payload, nil
}

func (v *Verifier) check(c claims) (Caller, error) {
	now := v.now()
	switch {
	case c.Issuer != v.issuer:
		return Caller{}, refuse("its issuer is another one")
	case !c.Audience.has(v.audience):
		return Caller{}, refuse("it is meant for another audience")
	case c.Expires == nil || c.IssuedAt == nil || c.Subject == "":
		return Caller{}, refuse("it lacks exp, iat or sub")
	case !now.Before(c.Expires.time().Add(leeway)):
		return Caller{}, refuse("it has expired")
	case now.Add(leeway).Before(c.IssuedAt.time()), c.NotBefore != nil && now.Add(leeway).Before(c.NotBefore.time()):
		return Caller{}, refuse("it is not valid yet")
	case !visible(c.Subject), c.client() != "" && !visible(c.client()):
		return Caller{}, refuse("its sub or its client is not 1 to 255 visible ASCII characters")
	}
	return Caller{Subject: c.Subject, ClientID: c.client(), Scopes: strings.Fields(c.Scope)}, nil
}

func (c claims) client() string {
	if c.ClientID != "" {
		return c.ClientID
	}
	return c.Party
}

func visible(s string) bool {
	return s != "" && len(s) <= maxName && !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' })
}
