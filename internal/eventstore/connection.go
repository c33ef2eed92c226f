package eventstore

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5"
)

// A server that does not answer within this is as good as gone; the next try may reach its successor.
const connectTimeout = 3 * time.Second

// connect makes sure of a connection, trying until it has one. It fails only when the writer is closed.
// The commands meanwhile stay in the queue, where their callers can withdraw them.
func (w *writer) connect() error {
	for pause := newPause(); w.conn == nil; {
		if w.dial() == nil {
			return nil
		}
		if err := w.sleep(pause.NextBackOff()); err != nil {
			return err
		}
	}
	return w.ctx.Err()
}

func (w *writer) dial() error {
	ctx, cancel := context.WithTimeout(w.ctx, connectTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, w.config)
	if err != nil {
		return err
	}
	if err := conn.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&w.serverClock); err != nil {
		_ = conn.Close(ctx)
		return err
	}
	w.conn, w.ownClock = conn, time.Now()
	return nil
}

// disconnect drops the connection without ceremony: what it still carried out is settled by event id.
func (w *writer) disconnect() {
	if w.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = w.conn.Close(ctx)
	w.conn = nil
}

// serverNow estimates the server's clock; ours is used only as a stop-watch.
func (w *writer) serverNow() time.Time { return w.serverClock.Add(time.Since(w.ownClock)) }

func (w *writer) sleep(d time.Duration) error {
	select {
	case <-w.ctx.Done():
		return w.ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func newPause() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = 5*time.Millisecond, 500*time.Millisecond
	return b
}
