package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

type letterList struct {
	State   string
	Queues  []queue
	Next    string
	Notice  string
	Problem *problem
}

// queue is what waits of one user, in order.
type queue struct {
	User    string
	Letters []deadLetter
}

// First is the letter that holds the others up.
func (q queue) First() deadLetter { return q.Letters[0] }

func showDeadLetters(v *visit) (view, error) {
	shown, err := v.deadLetters()
	return view{"dead-letters", "Dead letters", shown}, err
}

const lettersShown = "200"

func (v *visit) deadLetters() (shown letterList, err error) {
	shown.State = v.URL.Query().Get("state")
	query := given(map[string]string{"limit": lettersShown, "state": shown.State, "cursor": v.URL.Query().Get("cursor")})
	var found page[deadLetter]
	if _, err := v.get("/v1/dead-letters", query, &found); err != nil {
		return shown, err
	}
	at := map[string]int{}
	for _, d := range found.Data {
		i, ok := at[d.UserID]
		if !ok {
			i = len(shown.Queues)
			at[d.UserID], shown.Queues = i, append(shown.Queues, queue{User: d.UserID})
		}
		shown.Queues[i].Letters = append(shown.Queues[i].Letters, d)
	}
	if found.NextCursor != nil {
		shown.Next = Prefix + "/dead-letters?" + url.Values{"cursor": {*found.NextCursor}}.Encode()
	}
	return shown, nil
}

type letterData struct {
	deadLetter
	Data json.RawMessage `json:"data"`
}

// showDeadLetter shows what an event says, which is about a person: the service has on record who looked.
func showDeadLetter(v *visit) (view, error) {
	var d letterData
	_, err := v.get(v1("dead-letters", v.PathValue("id"), "event"), nil, &d)
	return view{"payload", "", d}, err
}

// changeDeadLetter tries a user's queue again, or gives its first event up.
func changeDeadLetter(v *visit) (view, error) {
	c := call{method: http.MethodPost, path: v1("dead-letters", v.PathValue("id"), v.PathValue("change"))}
	switch v.PathValue("change") {
	case "retry":
	case "skip":
		c.body = v.members("reason")
	default:
		return showNothing(v)
	}
	var left struct {
		Parked int `json:"parked"`
	}
	_, err := v.send(c, &left)
	notice := "Done. Nothing of this user waits any more."
	if left.Parked > 0 {
		notice = fmt.Sprintf("Tried. %d events of this user still wait.", left.Parked)
	}
	return v.lettersAfter(err, notice)
}

func retryAll(v *visit) (view, error) {
	var tried struct {
		Users int64 `json:"users"`
	}
	_, err := v.send(call{method: http.MethodPost, path: v1("dead-letters", "retry")}, &tried)
	return v.lettersAfter(err, fmt.Sprintf("The queues of %d users are tried again.", tried.Users))
}

func (v *visit) lettersAfter(err error, notice string) (view, error) {
	refused, err := declined(err)
	if err != nil {
		return view{}, err
	}
	shown, err := v.deadLetters()
	if err != nil {
		return unread(err, outcome{Path: Prefix + "/dead-letters", Notice: notice, Refused: refused}), nil
	}
	if shown.Problem = refused; refused == nil {
		shown.Notice = notice
	}
	return view{"dead-letters", "Dead letters", shown}, nil
}
