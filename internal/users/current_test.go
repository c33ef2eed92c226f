package users_test

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/users"
)

var sameUser = cmp.Options{cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(0)}

// With the relay stopped the projection is empty; by-id reads are the fold of the log all the same.
func TestReadByIDIsCurrentWithoutTheProjection(t *testing.T) {
	t.Parallel()
	r := open(t)
	rng := rand.New(rand.NewPCG(1, 2))
	var ids []uuid.UUID
	for range 20 {
		ids = append(ids, r.create(t))
	}
	for i := range 1000 {
		id := ids[rng.IntN(len(ids))]
		result, err := r.Execute(t.Context(), request(id, randomCommand(t, rng, 5)))
		var refused *domain.Error
		if err != nil && !errors.As(err, &refused) {
			t.Fatalf("command %d: %v", i, err)
		}
		want := model(id, byStream(r.stored(t))[id])
		got, err := r.Get(t.Context(), id)
		if want.Status == domain.Deleted {
			if !errors.Is(err, domain.ErrUserDeleted) {
				t.Fatalf("read after command %d: %v, want ErrUserDeleted", i, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("read after command %d: %v", i, err)
		}
		if diff := cmp.Diff(want, got.User, sameUser); diff != "" {
			t.Fatalf("read after command %d (-log +read): %s", i, diff)
		}
		if refused == nil {
			if diff := cmp.Diff(want, result.User, sameUser); diff != "" {
				t.Fatalf("answer to command %d (-log +answer): %s", i, diff)
			}
		}
	}
}

// More events than a read takes along with a row: the snapshots stand in for the projection.
func TestReadByIDIsCurrentFarAheadOfTheProjection(t *testing.T) {
	t.Parallel()
	r := open(t)
	id := r.create(t)
	for i := range 2*users.DefaultSnapshotEvery + 7 {
		role := domain.Role([]string{"even", "odd"}[i%2])
		if i%4 < 2 {
			r.must(t, request(id, domain.GrantRole{Role: role}))
		} else {
			r.must(t, request(id, domain.RevokeRole{Role: role}))
		}
	}
	got, err := r.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(model(id, r.stored(t)), got.User, sameUser); diff != "" {
		t.Error("read (-log +read):", diff)
	}
}

// Reads that wait together share a query, and several of them may ask about the same user: each is
// answered as if it had asked alone.
func TestReadersOfOneUserShareAQuery(t *testing.T) {
	t.Parallel()
	r := open(t)
	id := r.create(t)
	r.must(t, request(id, domain.GrantRole{Role: "admin"}))
	want := model(id, r.stored(t))
	var readers sync.WaitGroup
	for range 32 {
		readers.Go(func() {
			for range 20 {
				got, err := r.Get(t.Context(), id)
				if err != nil {
					t.Error(err)
					return
				}
				if diff := cmp.Diff(want, got.User, sameUser); diff != "" {
					t.Error("read (-log +read):", diff)
					return
				}
			}
		})
	}
	readers.Wait()
}
