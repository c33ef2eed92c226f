package httpapi

import (
	"bytes"
	"errors"
	"io"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	singleEvent = "application/cloudevents+json"
	eventBatch  = "application/cloudevents-batch+json"

	maxEvents     = 1000
	maxEventsBody = 1 << 20 // a thousand events of a kilobyte
)

var errTooManyEvents = &problem{code: "body_too_large", detail: "The body must have at most 1 MiB and " + strconv.Itoa(maxEvents) + " events."}

// readReports reads the body, and returns its media type.
func (r *request) readReports() (mediaType string, err error) {
	if mediaType, err = mediaTypeOf(r.Header, singleEvent, eventBatch); err != nil {
		return "", err
	}
	return mediaType, r.readUpTo(maxEventsBody, errTooManyEvents)
}

// reports takes the events out of the body. What is not JSON, or no event at all, is refused with the whole
// request; what is wrong with the values of one event concerns that one.
func (r *request) reports(mediaType string) ([]*report, error) {
	if err := checkJSON(r.body); err != nil {
		return nil, err
	}
	if mediaType == singleEvent {
		e := &report{at: "#"}
		return []*report{e}, e.read(r.body)
	}
	var batch []jsontext.Value
	if err := json.Unmarshal(r.body, &batch); err != nil || batch == nil { // null would do for the decoder
		return nil, malformed("The body must be a JSON array of events.")
	}
	if len(batch) > maxEvents {
		return nil, errTooManyEvents
	}
	reported := make([]*report, len(batch))
	for i, one := range batch {
		reported[i] = &report{at: "#/" + strconv.Itoa(i)}
		if err := reported[i].read(one); err != nil {
			return nil, err
		}
	}
	return reported, nil
}

const maxNesting = 32

// checkJSON also refuses what a decoder may pass over in a part of the body that nobody asks for.
func checkJSON(body []byte) error {
	dec := jsontext.NewDecoder(bytes.NewReader(body))
	for values := 0; ; {
		_, err := dec.ReadToken()
		if dec.StackDepth() == 0 && err == nil {
			values++
		}
		switch {
		case err == io.EOF && values == 1: //nolint:errorlint // the decoder's own mark of the end, never wrapped
			return nil
		case errors.Is(err, jsontext.ErrDuplicateName):
			return malformed("The body has a member twice.")
		case dec.StackDepth() > maxNesting:
			return malformed("The body is nested deeper than " + strconv.Itoa(maxNesting) + ".")
		case err != nil || values > 1:
			return malformed("The body must be one JSON text in UTF-8, and nothing after it.")
		}
	}
}
