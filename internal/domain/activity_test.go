package domain_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usersvc/usersvc/internal/domain"
)

var (
	ada   = uuid.MustParse("01a202b2-c500-7c3e-9a41-5d2f8b6e1a07")
	grace = uuid.MustParse("01a202b5-8420-71d4-8f3b-0c6a92e4d5b8")
	blog  = "https://posts.example/blog"
)

// goldenActivity says what the file of each event decodes to, and back. Files are never changed.
var goldenActivity = map[string]struct {
	origin domain.Origin
	want   domain.Activity
}{
	"PostCreated.v1": {
		domain.Origin{Source: blog, ID: "post-1", Time: time.Date(2026, 11, 22, 10, 0, 0, 125_000, time.UTC)},
		domain.PostCreated{AuthorID: ada},
	},
	"PostDeleted.v1": {domain.Origin{Source: blog, ID: "post-1/gone"}, domain.PostDeleted{AuthorID: ada}},
	"UserFollowed.v1": {
		domain.Origin{Source: "/follows", ID: "7", Time: time.Date(2026, 11, 22, 10, 5, 0, 0, time.UTC)},
		domain.UserFollowed{FollowerID: grace, FollowedUserID: ada},
	},
	"UserUnfollowed.v1": {domain.Origin{Source: "/follows", ID: "8"}, domain.UserUnfollowed{FollowerID: grace, FollowedUserID: ada}},
}

func TestGoldenActivity(t *testing.T) {
	for name, g := range goldenActivity {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", "activity", name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			data = data[:len(data)-1]
			origin, a, err := domain.DecodeActivity(g.want.Type(), 1, data)
			if err != nil || origin != g.origin || a != g.want {
				t.Fatalf("decoded %+v, %+v, %v", origin, a, err)
			}
			if a.Subject() != ada {
				t.Errorf("it concerns %s, want %s", a.Subject(), ada)
			}
			typ, schema, encoded, err := domain.EncodeActivity(origin, a)
			if err != nil || typ != g.want.Type() || schema != 1 || string(encoded) != string(data) {
				t.Errorf("encoded as %s v%d %s, %v; the file has %s", typ, schema, encoded, err, data)
			}
		})
	}
	files, err := filepath.Glob("testdata/activity/*")
	if err != nil || len(files) != len(goldenActivity) {
		t.Errorf("%d golden files, %d checked (%v)", len(files), len(goldenActivity), err)
	}
}

func TestDecodeOfActivityThatThisBuildDoesNotKnow(t *testing.T) {
	for _, id := range []domain.UnknownEvent{
		{Type: "PostCreated", Schema: 2}, {Type: "PostCreated", Schema: 0}, {Type: "PostEdited", Schema: 1},
		{Type: "postcreated", Schema: 1}, {Type: "UserCreated", Schema: 2}, {Type: "", Schema: 1},
	} {
		_, a, err := domain.DecodeActivity(id.Type, id.Schema, []byte(`{"source":"/a","id":"1","authorId":"`+ada.String()+`"}`))
		var unknown *domain.UnknownEvent
		if !errors.As(err, &unknown) || *unknown != id || a != nil {
			t.Errorf("%+v: got %v, %v", id, a, err)
		}
	}
	for _, typ := range []string{"PostCreated", "UserFollowed"} { // and the other way round
		if _, err := domain.Decode(typ, 1, []byte(`{}`)); err == nil {
			t.Errorf("%s is taken for an event of a user", typ)
		}
	}
}

func TestDecodeRefusesBrokenActivity(t *testing.T) {
	for _, data := range []string{
		``, `null`, `[]`, `{`, `{}`, `{"source":"/a","id":"1"}`, `{"id":"1","authorId":"` + ada.String() + `"}`, `{"source":"/a","authorId":"` + ada.String() + `"}`,
		`{"source":"/a","id":"1","authorId":"ada"}`, `{"source":"/a","id":"1","authorId":1}`, `{"source":"/a","id":"1","authorId":null}`,
		`{"source":"/a","id":"1","time":"today","authorId":"` + ada.String() + `"}`,
	} {
		if _, a, err := domain.DecodeActivity("PostCreated", 1, []byte(data)); err == nil || a != nil {
			t.Errorf("%s: got %+v and %v", data, a, err)
		}
	}
}

func TestEncodeOfWhatIsNoStoredActivity(t *testing.T) {
	named := domain.Origin{Source: "/a", ID: "1"}
	for _, c := range []struct {
		origin domain.Origin
		event  domain.Activity
	}{
		{named, nil},
		{named, &domain.PostCreated{AuthorID: ada}},
		{named, domain.PostCreated{}},
		{named, domain.UserFollowed{FollowerID: grace}},
		{domain.Origin{Source: "/a"}, domain.PostCreated{AuthorID: ada}},
		{domain.Origin{ID: "1"}, domain.PostCreated{AuthorID: ada}},
	} {
		if _, _, data, err := domain.EncodeActivity(c.origin, c.event); err == nil || data != nil {
			t.Errorf("%+v: got %s and %v", c, data, err)
		}
	}
}

func TestCountersGoUpAndDownAndNeverBelowZero(t *testing.T) {
	post, gone := domain.PostCreated{AuthorID: ada}, domain.PostDeleted{AuthorID: ada}
	follow, unfollow := domain.UserFollowed{FollowedUserID: ada}, domain.UserUnfollowed{FollowedUserID: ada}
	for _, c := range []struct {
		events []domain.Activity
		want   domain.Counters
	}{
		{nil, domain.Counters{}},
		{[]domain.Activity{post, post, follow}, domain.Counters{Posts: 2, Followers: 1}},
		{[]domain.Activity{post, gone, follow, follow, unfollow}, domain.Counters{Followers: 1}},
		{[]domain.Activity{gone, unfollow}, domain.Counters{}},
		{[]domain.Activity{gone, gone, post, unfollow, follow}, domain.Counters{Posts: 1, Followers: 1}},
	} {
		var got domain.Counters
		for _, e := range c.events {
			got = got.Count(e)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%v (-want +got): %s", c.events, diff)
		}
	}
}

// Streams that exist are found by these ids, so they can never change.
func TestStreamOfAnOriginNeverChanges(t *testing.T) {
	const want, next = "5188fcb5-f886-5a5d-b89c-f76e108576d3", "2d8e66ac-4c56-5d57-b600-a0aa33c87344"
	first := domain.Origin{Source: "/posts", ID: "1"}.StreamID()
	if got := first.String(); got != want {
		t.Errorf("the stream is %s, want %s", got, want)
	}
	if got := domain.NextStreamID(first).String(); got != next {
		t.Errorf("where a user has that id it is %s, want %s", got, next)
	}
}
