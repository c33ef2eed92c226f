package httpapi

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// preferred returns the media type that the client would rather have, the first of those that it likes as
// much as each other, or "" if it takes none (RFC 9110 §12.5.1). What cannot be read in the header is
// passed over, and without one any will do.
func (r *request) preferred(mediaTypes ...string) (best string) {
	accept := strings.Join(r.Header["Accept"], ",")
	if strings.TrimSpace(accept) == "" {
		return mediaTypes[0]
	}
	var most rating
	for _, mediaType := range mediaTypes {
		group, _, _ := strings.Cut(mediaType, "/")
		if rated := rate(accept, mediaType, group+"/*", "*/*"); rated.quality > 0 && rated.above(most) {
			best, most = mediaType, rated
		}
	}
	return best
}

// takesGzip reports whether a client would have an answer compressed so (RFC 9110 §12.5.3): by its name, or by any name.
func takesGzip(h http.Header) bool {
	return rate(strings.Join(h["Accept-Encoding"], ","), "gzip", "*").quality > 0
}

// rating is what a client thinks of what it could be sent. Specific says how closely that was named, from 1 for the loosest name.
type rating struct {
	quality  float64
	specific int
}

// above prefers what was named to what is merely covered, as by */*.
func (r rating) above(other rating) bool {
	return r.quality > other.quality || r.quality == other.quality && r.specific > other.specific
}

// rate looks in the header for names of one thing, from the closest to the loosest: the closest that is there alone counts.
func rate(header string, names ...string) (closest rating) {
	for one := range strings.SplitSeq(header, ",") {
		name, parameters, err := mime.ParseMediaType(one)
		at := slices.Index(names, name)
		specific := len(names) - at
		if err != nil || at < 0 || specific <= closest.specific {
			continue
		}
		closest = rating{1, specific}
		if q, given := parameters["q"]; given {
			closest.quality, _ = strconv.ParseFloat(q, 64) // 0 for what is no number
		}
	}
	return closest
}
