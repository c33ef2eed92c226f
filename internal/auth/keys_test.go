package auth

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/usersvc/usersvc/internal/auth/authtest"
)

// publisher is an issuer whose keys change, and that is sometimes not there.
type publisher struct {
	fetched atomic.Int64
	mu      sync.Mutex
	set     []byte
	away    bool
}

func (p *publisher) read(context.Context) ([]byte, error) {
	p.fetched.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.away {
		return nil, errors.New("no answer")
	}
	return p.set, nil
}

func (p *publisher) publish(away bool, names ...string) {
	keys := map[string]jose.JSONWebKey{}
	maps.Copy(keys, authtest.Signers)
	maps.DeleteFunc(keys, func(name string, _ jose.JSONWebKey) bool {
		for _, n := range names {
			if n == name {
				return false
			}
		}
		return true
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set, p.away = authtest.KeySet(keys), away
}

// clock is moved by hand.
type clock struct{ atomic.Int64 }

func (c *clock) now() time.Time       { return time.Unix(1_800_000_000, c.Load()) }
func (c *clock) pass(d time.Duration) { c.Add(int64(d)) }
func newClocked(p *publisher) (*Keys, *clock) {
	c := new(clock)
	k := NewKeys(p.read)
	k.now = c.now
	return k, c
}

func TestUnknownKeysAreLookedForOnceInTenSeconds(t *testing.T) {
	t.Parallel()
	p := new(publisher)
	p.publish(false, "ES256")
	keys, clock := newClocked(p)
	ask := func(prefix string) {
		var all sync.WaitGroup
		for i := range 10_000 {
			all.Go(func() {
				_, err := keys.Key(t.Context(), prefix+strconv.Itoa(i))
				if refused := new(Refusal); !errors.As(err, &refused) {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	ask("a")
	if n := p.fetched.Load(); n != 1 {
		t.Errorf("10,000 unknown keys were looked for %d times", n)
	}
	clock.pass(refreshAtMost)
	ask("b")
	if n := p.fetched.Load(); n != 2 {
		t.Errorf("ten seconds later they had been looked for %d times", n)
	}
}

func TestKeysRotateWithoutARefusal(t *testing.T) {
	t.Parallel()
	p := new(publisher)
	p.publish(false, "ES256")
	keys, clock := newClocked(p)
	mustFind(t, keys, "ES256")
	p.publish(false, "ES256", "EdDSA")
	clock.pass(refreshAtMost)
	mustFind(t, keys, "EdDSA") // at its first use
	mustFind(t, keys, "ES256")
}

func TestWithdrawnKeysAreForgotten(t *testing.T) {
	t.Parallel()
	p := new(publisher)
	p.publish(false, "ES256", "EdDSA")
	keys, clock := newClocked(p)
	mustFind(t, keys, "ES256")
	p.publish(false, "EdDSA")
	clock.pass(refreshEvery)
	mustFind(t, keys, "EdDSA") // has them read again, and does not wait for it
	for end := time.Now().Add(10 * time.Second); ; <-time.After(time.Millisecond) {
		if _, err := keys.Key(t.Context(), "ES256"); err != nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("a key that was withdrawn is still believed")
		}
	}
}

func TestAnOutageOfTheIssuerIsNotOurs(t *testing.T) {
	t.Parallel()
	p := new(publisher)
	p.publish(true)
	keys, clock := newClocked(p)
	if _, err := keys.Key(t.Context(), "ES256"); !errors.Is(err, ErrNoKeys) {
		t.Errorf("before any keys were read: %v", err)
	}
	p.publish(false, "ES256")
	clock.pass(refreshAtMost)
	mustFind(t, keys, "ES256")
	p.publish(true)
	for range 100 {
		clock.pass(refreshEvery)
		mustFind(t, keys, "ES256")
	}
}

func mustFind(t *testing.T, keys *Keys, name string) {
	t.Helper()
	if key, err := keys.Key(t.Context(), name); err != nil || key.Algorithm != name {
		t.Fatalf("key %s: %q, %v", name, key.Algorithm, err)
	}
}

func TestOnlyKeysForSignaturesAreUsed(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]string{
		"nothing":       `{}`,
		"no keys":       `{"keys": []}`,
		"a secret":      `{"keys": [{"kty": "oct", "kid": "a", "alg": "HS256", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}]}`,
		"an odd curve":  `{"keys": [{"kty": "EC", "crv": "P-999", "kid": "a", "x": "AA", "y": "AA"}]}`,
		"no JSON":       `<html>`,
		"a short modul": `{"keys": [{"kty": "RSA", "alg": "RS256", "kid": "a", "n": "sXch", "e": "AQAB"}]}`,
	} {
		keys := NewKeys(func(context.Context) ([]byte, error) { return []byte(set), nil })
		if _, err := keys.Key(t.Context(), "a"); !errors.Is(err, ErrNoKeys) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The keys change all the time, and cannot be read half of the time; nobody with a good token is refused.
func TestRotationAndOutagesUnderLoad(t *testing.T) {
	t.Parallel()
	p := new(publisher)
	p.publish(false, "ES256", "EdDSA")
	keys, clock := newClocked(p)
	mustFind(t, keys, "ES256")
	v := NewVerifier(authtest.Issuer, authtest.Audience, keys)
	stop := make(chan struct{})
	var callers sync.WaitGroup
	var believed atomic.Int64
	for i := range 8 {
		token := authtest.Token(t, []string{"ES256", "EdDSA"}[i%2], authtest.Good())
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := v.Verify(t.Context(), token); err != nil {
					t.Error(err)
					return
				}
				believed.Add(1)
			}
		})
	}
	for n := range 200 { // the two go on; others come and go
		p.publish(n%2 == 1, append([]string{"ES256", "EdDSA"}, []string{"RS256", "PS256"}[n/2%2])...)
		clock.pass(refreshEvery)
		<-time.After(2 * time.Millisecond)
	}
	close(stop)
	callers.Wait()
	t.Logf("%d tokens believed while the keys were fetched %d times", believed.Load(), p.fetched.Load())
	if p.fetched.Load() < 50 {
		t.Errorf("the keys were fetched %d times: the test has lost its way", p.fetched.Load())
	}
}
