package main

import (
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
)

// What anyone would write: a query for each request, on the very rows that the service reads as well.
// It shows what the projection has, which may be older than the last command.
const selectUser = `
SELECT user_id, version, activity_position, post_count, follower_count, created_at, updated_at, suspended_at,
  status, email, display_name, first_name, last_name, suspension_reason, roles
FROM derived.user_profiles WHERE user_id = $1`

type user struct {
	ID               uuid.UUID  `json:"id"`
	Email            string     `json:"email"`
	DisplayName      string     `json:"displayName"`
	FirstName        string     `json:"firstName"`
	LastName         string     `json:"lastName"`
	Status           string     `json:"status"`
	SuspendedAt      *time.Time `json:"suspendedAt"`
	SuspensionReason string     `json:"suspensionReason"`
	Roles            []string   `json:"roles"`
	PostCount        int        `json:"postCount"`
	FollowerCount    int        `json:"followerCount"`
	Version          int        `json:"version"`
	CreatedAt        time.Time  `json:"createdAt"`
	UpdatedAt        time.Time  `json:"updatedAt"`
}

func newPlainGet(pool *pgxpool.Pool) http.Handler {
	mux := chi.NewRouter()
	mux.Get("/v1/users/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := uuid.Parse(chi.URLParam(r, "id"))
		if err != nil {
			http.Error(w, "not an id", http.StatusBadRequest)
			return
		}
		var u user
		var activity int64
		err = pool.QueryRow(r.Context(), selectUser, id).Scan(&u.ID, &u.Version, &activity, &u.PostCount, &u.FollowerCount,
			&u.CreatedAt, &u.UpdatedAt, &u.SuspendedAt, &u.Status, &u.Email, &u.DisplayName, &u.FirstName, &u.LastName, &u.SuspensionReason, &u.Roles)
		if err != nil {
			http.Error(w, "not found", http.StatusNotFound)
			return
		}
		w.Header().Set("ETag", `"`+strconv.Itoa(u.Version)+"."+strconv.FormatInt(activity, 10)+`"`)
		writeJSON(w, http.StatusOK, u)
	})
	return mux
}
