package httpapi

import (
	"mime"
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
		if rated := rate(accept, mediaType); rated.quality > 0 && rated.above(most) {
			best, most = mediaType, rated
		}
	}
	return best
}

// rating is what a client thinks of a media type. Specific says how closely it was named, from 1 for
// */* to 3.
type rating struct {
	quality  float64
	specific int
}

// above prefers what was named to what is merely covered, as by */*.
func (r rating) above(other rating) bool {
	return r.quality > other.quality || r.quality == other.quality && r.specific > other.specific
}

// rate finds the closest name for a media type in the header: it alone counts.
func rate(accept, mediaType string) (closest rating) {
	group, _, _ := strings.Cut(mediaType, "/")
	for one := range strings.SplitSeq(accept, ",") {
		name, parameters, err := mime.ParseMediaType(one)
		specific := map[string]int{"*/*": 1, group + "/*": 2, mediaType: 3}[name]
		if err != nil || specific <= closest.specific {
			continue
		}
		closest = rating{1, specific}
		if q, given := parameters["q"]; given {
			closest.quality, _ = strconv.ParseFloat(q, 64) // 0 for what is no number
		}
	}
	return closest
}
