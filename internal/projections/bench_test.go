package projections_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/pgtest"
	"github.com/usersvc/usersvc/internal/projections"
)

// BenchmarkApply folds events of many users, half of them creations and half changes of address, in
// batches as the relay has them under load.
func BenchmarkApply(b *testing.B) {
	for _, size := range []int{100, 500, 2000} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			pool := pgtest.New(b)
			var events []eventstore.Recorded
			for b.Loop() {
				if len(events) < size {
					b.StopTimer()
					events = fabricate(b, 20_000)
					b.StartTimer()
				}
				err := pgx.BeginFunc(b.Context(), pool, func(tx pgx.Tx) error {
					return projections.Live.Apply(b.Context(), tx, events[:size])
				})
				if err != nil {
					b.Fatal(err)
				}
				events = events[size:]
			}
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// fabricate makes events as the log would return them: users are created and change their address a
// little later.
func fabricate(b *testing.B, n int) (events []eventstore.Recorded) {
	b.Helper()
	add := func(id uuid.UUID, version int, e domain.Event) {
		typ, schema, data, err := domain.Encode(e)
		if err != nil {
			b.Fatal(err)
		}
		events = append(events, eventstore.Recorded{
			Position: int64(len(events) + 1), StreamType: domain.StreamType, StreamID: id, Version: version,
			Type: typ, SchemaVersion: schema, Data: data,
		})
	}
	const later = 300
	var ids []uuid.UUID
	for i := range n / 2 {
		ids = append(ids, newID())
		add(ids[i], 1, domain.UserCreated{Email: fmt.Sprintf("%x@example.com", ids[i][8:]), DisplayName: "Ada Lovelace", FirstName: "Ada", LastName: "Lovelace"})
		if i >= later {
			add(ids[i-later], 2, domain.UserEmailChanged{NewEmail: fmt.Sprintf("new-%x@example.com", ids[i][8:])})
		}
	}
	return events
}
