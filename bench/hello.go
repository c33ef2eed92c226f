package main

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// newHello answers with the name that it was asked for, and asks nobody: as fast as HTTP and the router allow.
func newHello(*pgxpool.Pool) http.Handler {
	mux := chi.NewRouter()
	mux.Get("/v1/users/{id}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"hello":"` + chi.URLParam(r, "id") + `"}`)) // fails only when nobody reads it
	})
	return mux
}
