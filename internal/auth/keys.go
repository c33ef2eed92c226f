package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	// An unknown key may be a new one, or made up: it is looked for at most so often.
	refreshAtMost = 10 * time.Second
	// A key that was withdrawn is good for so long.
	refreshEvery = 5 * time.Minute
	leastRSA     = 2048 // bits
)

// ErrNoKeys says that no key has been read yet: nobody can be believed or refused.
var ErrNoKeys = errors.New("the keys of the issuer cannot be read")

// Keys are those that the issuer signs with, read again now and then.
type Keys struct {
	read func(context.Context) ([]byte, error)
	now  func() time.Time

	mu      sync.Mutex
	keys    []jose.JSONWebKey // with Algorithm, and public
	tried   time.Time
	reading chan struct{} // closed when the reading that is under way is over, nil if none is
	failure error         // of the last reading
}

// NewKeys reads the keys, a JSON Web Key Set, from wherever read does.
func NewKeys(read func(context.Context) ([]byte, error)) *Keys {
	return &Keys{read: read, now: time.Now}
}

// Key finds the key of a name, or the only key if there is no name. It fails with a *Refusal, with ErrNoKeys or when ctx
// ends.
func (k *Keys) Key(ctx context.Context, id string) (jose.JSONWebKey, error) {
	key, known, stale := k.find(id)
	if known && !stale {
		return key, nil
	}
	if known { // good for now
		k.refresh(refreshEvery)
		return key, nil
	}
	if wait := k.refresh(refreshAtMost); wait != nil {
		select {
		case <-wait:
		case <-ctx.Done():
			return key, ctx.Err()
		}
	}
	if key, known, _ = k.find(id); known {
		return key, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys == nil {
		return key, fmt.Errorf("%w: %w", ErrNoKeys, k.failure)
	}
	return key, refuse("its key is not known")
}

func (k *Keys) find(id string) (key jose.JSONWebKey, known, stale bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	stale = k.now().Sub(k.tried) >= refreshEvery
	if id == "" {
		if len(k.keys) != 1 {
			return key, false, stale
		}
		return k.keys[0], true, stale
	}
	i := slices.IndexFunc(k.keys, func(other jose.JSONWebKey) bool { return other.KeyID == id })
	if i < 0 {
		return key, false, stale
	}
	return k.keys[i], true, stale
}

// refresh has the keys read again unless they were a moment ago, and returns what closes when that is over: nil if nothing
// is to be waited for.
func (k *Keys) refresh(atMost time.Duration) <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.reading != nil {
		return k.reading
	}
	if k.now().Sub(k.tried) < atMost {
		return nil
	}
	k.tried = k.now()
	done := make(chan struct{})
	k.reading = done
	go k.reread(done)
	return done
}

const readTimeout = 5 * time.Second

func (k *Keys) reread(done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	keys, err := k.fetch(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failure = err; err == nil {
		k.keys = keys
	}
	k.reading = nil
	close(done)
}

func (k *Keys) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	document, err := k.read(ctx)
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(document, &set); err != nil {
		return nil, fmt.Errorf("read a JSON Web Key Set: %w", err)
	}
	usable := []jose.JSONWebKey{}
	for _, text := range set.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(text) != nil {
			continue // of a kind that is not known here
		}
		if key.Algorithm = algorithmOf(key); key.Algorithm != "" {
			usable = append(usable, key)
		}
	}
	if len(usable) == 0 {
		return nil, errors.New("the JSON Web Key Set has no key for RS256, PS256, ES256 or EdDSA")
	}
	return usable, nil
}

// algorithmOf is the only one that a key is good for, or "" for a key that is not for signatures of ours. An RSA key
// could be for two, and has to say for which.
func algorithmOf(key jose.JSONWebKey) string {
	if !key.Valid() || key.Use != "" && key.Use != "sig" {
		return ""
	}
	var fits []string
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		if fits = []string{"RS256", "PS256"}; public.N.BitLen() < leastRSA || key.Algorithm == "" {
			return ""
		}
	case *ecdsa.PublicKey:
		if fits = []string{"ES256"}; public.Curve != elliptic.P256() {
			return ""
		}
	case ed25519.PublicKey:
		fits = []string{"EdDSA"}
	default:
		return ""
	}
	if key.Algorithm == "" {
		return fits[0]
	}
	if slices.Contains(fits, key.Algorithm) {
		return key.Algorithm
	}
	return ""
}
