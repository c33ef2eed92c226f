package httpapi

import "net/http"

// An answer about the past is kept for a day without asking again. It would be good for ever, but the copies of a person
// who is to be forgotten should not be.
const pastCaching = "private, max-age=86400"

// final marks an answer that can no longer change. A client that knows it has been answered then.
func (r *request) final(tag string, known func(string) bool) (answered bool) {
	tag = `"` + tag + `"`
	r.w.Header().Set("ETag", "W/"+tag) // weak, because the answer may be compressed
	r.w.Header().Set("Cache-Control", pastCaching)
	if !known(tag) {
		return false
	}
	r.w.WriteHeader(http.StatusNotModified)
	return true
}
