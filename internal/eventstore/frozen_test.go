package eventstore_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/pgtest"
)

// A client that stops in the middle of sending its batch must not sit on the lock.
func TestClientFrozenInMidSendHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	thaw := make(chan struct{})
	frozen := make(chan struct{})
	config, err := pgxpool.ParseConfig(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		return &freezing{Conn: conn, frozen: frozen, thaw: thaw}, err
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	slow := eventstore.Open(pool)

	ctx, giveUp := context.WithCancel(t.Context())
	unheard := make(chan error, 1)
	big := command(newID(), 0, "Made")
	big.Events[0].Data = make([]byte, freezeAbove+1)
	copy(big.Events[0].Data, `{"blank": "`)
	for i := len(`{"blank": "`); i < len(big.Events[0].Data)-2; i++ {
		big.Events[0].Data[i] = 'x'
	}
	copy(big.Events[0].Data[len(big.Events[0].Data)-2:], `"}`)
	go func() { _, err := slow.Append(ctx, big); unheard <- err }()
	<-frozen

	quick := openOn(t, pgtest.Pool(t, db.URL))
	within, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	id := newID()
	for version := range 20 {
		if _, err := quick.Append(within, command(id, version, "Made")); err != nil {
			t.Fatalf("append beside the frozen client: %v", err)
		}
	}
	giveUp()
	if err := <-unheard; !errors.Is(err, eventstore.ErrOutcomeUnknown) {
		t.Errorf("the frozen append: %v, want ErrOutcomeUnknown", err)
	}
	close(thaw)
	closeLog(slow)
}

const freezeAbove = 8 << 10

// freezing stops in the middle of the first large write.
type freezing struct {
	net.Conn
	once         sync.Once
	frozen, thaw chan struct{}
}

func (f *freezing) Write(b []byte) (int, error) {
	if len(b) <= freezeAbove {
		return f.Conn.Write(b)
	}
	half := len(b) / 2
	n, err := f.Conn.Write(b[:half])
	if err != nil {
		return n, err
	}
	f.once.Do(func() { close(f.frozen) })
	<-f.thaw
	m, err := f.Conn.Write(b[half:])
	return n + m, err
}
