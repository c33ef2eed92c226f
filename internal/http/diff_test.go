package httpapi_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// differences are the fields of an answer with both values and the versions of the events between.
func differences(t *testing.T, got answer) (found []string) {
	t.Helper()
	for _, c := range got.json(t)["changes"].([]any) {
		d := c.(map[string]any)
		var versions []any
		for _, e := range d["events"].([]any) {
			versions = append(versions, e.(map[string]any)["version"])
		}
		if int(d["eventCount"].(float64)) != len(versions) {
			t.Errorf("%v: eventCount is %v", d["field"], d["eventCount"])
		}
		found = append(found, fmt.Sprint(d["field"], ": ", d["from"], " > ", d["to"], " by ", versions))
	}
	return found
}

// life ends at version 7: created, moved, granted, suspended, reactivated, revoked, deleted.
func TestDiff(t *testing.T) {
	s := boot(t)
	s.create(t, "grace@example.com") // so that positions are not versions
	path := life(t, s)
	entries := s.want(t, 200, "", "GET", path+"/history?order=asc", "").json(t)["data"].([]any)
	at := func(version int) string { return entries[version-1].(map[string]any)["recordedAt"].(string) }
	for _, row := range []struct {
		from, to int
		want     []string
	}{
		{1, 1, nil},
		{1, 2, []string{"email: ada@example.com > new-ada@example.com by [2]"}},
		{1, 3, []string{"email: ada@example.com > new-ada@example.com by [2]", "roles: [] > [admin] by [3]"}},
		{2, 4, []string{"status: active > suspended by [4]", "suspendedAt: <nil> > " + at(4) + " by [4]",
			"suspensionReason: <nil> > Spam by [4]", "roles: [] > [admin] by [3]"}},
		{3, 5, nil}, // suspended and reactivated
		{2, 6, nil}, // granted and revoked
		{1, 7, []string{"email: ada@example.com > new-ada@example.com by [2]", "status: active > deleted by [4 5 7]"}},
	} {
		for _, from := range []string{fmt.Sprint(row.from), fmt.Sprint("position:", row.from+1), at(row.from)} {
			for _, to := range []string{fmt.Sprint(row.to), fmt.Sprint("position:", row.to+1), at(row.to)} {
				got := s.want(t, 200, "", "GET", path+"/diff?from="+from+"&to="+to, "")
				if diff := cmp.Diff(row.want, differences(t, got)); diff != "" {
					t.Errorf("%s to %s (-want +got):\n%s", from, to, diff)
				}
				for member, version := range map[string]int{"from": row.from, "to": row.to} {
					want := map[string]any{"version": float64(version), "position": float64(version + 1), "recordedAt": at(version)}
					if diff := cmp.Diff(want, got.json(t)[member]); diff != "" {
						t.Errorf("%s to %s: %s (-want +got):\n%s", from, to, member, diff)
					}
				}
			}
		}
	}
	now, end := s.want(t, 200, "", "GET", path+"/diff?from=1", ""), s.want(t, 200, "", "GET", path+"/diff?from=1&to=7", "")
	if diff := cmp.Diff(string(end.Body), string(now.Body)); diff != "" {
		t.Errorf("without to (-want +got):\n%s", diff)
	}
	events := now.json(t)["changes"].([]any)[1].(map[string]any)["events"].([]any)
	if diff := cmp.Diff([]any{entries[3], entries[4], entries[6]}, events); diff != "" {
		t.Errorf("events (-history +diff):\n%s", diff)
	}
}

func TestDiffBetweenEvents(t *testing.T) {
	s := boot(t)
	path := life(t, s) // versions are positions
	before := mustTime(t, s.want(t, 200, "", "GET", path+"/history?limit=4&order=asc", "").json(t)["data"].([]any)[3].(map[string]any)["recordedAt"]).Add(-time.Microsecond)
	for _, from := range []string{before.Format(time.RFC3339Nano), url.QueryEscape(before.In(time.FixedZone("", 3600)).Format(time.RFC3339Nano))} {
		got := s.want(t, 200, "", "GET", path+"/diff?from="+from+"&to=4", "")
		if len(differences(t, got)) != 3 || got.json(t)["from"].(map[string]any)["version"] != 3.0 {
			t.Errorf("%s", got.Body)
		}
	}
}

func TestDiffRefuses(t *testing.T) {
	s := boot(t)
	s.create(t, "grace@example.com")
	path := life(t, s)
	created := mustTime(t, s.want(t, 200, "", "GET", path+"?version=1", "").json(t)["createdAt"])
	early, later := created.Add(-time.Microsecond).Format(time.RFC3339Nano), time.Now().Add(time.Hour).UTC().Format(time.RFC3339Nano)
	for _, q := range []string{
		"", "?to=2", "?from=", "?from=x", "?from=0", "?from=-1", "?from=1.0", "?from=2147483648", "?from=8", "?from=1&to=8", "?from=1&to=", "?from=1&to=x",
		"?from=position:", "?from=position:-1", "?from=position:x", "?from=position:9", "?from=1&to=position:9", "?from=position:9223372036854775808", "?from=Position:1",
		"?from=2&to=1", "?from=position:4&to=position:3", "?from=position:4&to=2", "?from=2&to=" + early, "?from=1&to=position:0", "?from=1&to=position:1",
		"?from=" + created.Add(time.Nanosecond*1000).Format(time.RFC3339Nano) + "&to=" + created.Format(time.RFC3339Nano),
		"?from=2020-01-01", "?from=2020-01-01T00:00:00", "?from=2020-01-01T00:00:00+01:00", "?from=1&from=1", "?from=1&as_of=2020-01-01T00:00:00Z", "?from=%ff",
	} {
		s.want(t, 400, "invalid_parameter", "GET", path+"/diff"+q, "")
	}
	s.want(t, 400, "as_of_in_future", "GET", path+"/diff?from="+later, "")
	s.want(t, 400, "as_of_in_future", "GET", path+"/diff?from=1&to="+later, "")
	for _, from := range []string{early, "position:0", "position:1", "0001-01-01T00:00:00Z"} {
		s.want(t, 404, "not_yet_existing", "GET", path+"/diff?from="+from, "")
		s.want(t, 404, "not_yet_existing", "GET", path+"/diff?to=2&from="+from, "")
	}
	s.want(t, 404, "user_not_found", "GET", "/v1/users/"+uuid.NewString()+"/diff?from=1", "")
}

func TestDiffCounts(t *testing.T) {
	s := boot(t)
	path := s.create(t, "ada@example.com")
	ada := strings.TrimPrefix(path, "/v1/users/")
	s.report(t, []any{cloudEvent("1", "PostCreated", ada), cloudEvent("2", "PostCreated", ada)}, batch) // 2, 3
	s.want(t, 200, "", "PUT", path+"/roles/admin", "")                                                  // 4
	for target, want := range map[string][]string{
		"?from=1":                        {"roles: [] > [admin] by [2]", "postCount: 0 > 2 by []"},
		"?from=position:2&to=position:3": {"postCount: 1 > 2 by []"},
		"?from=1&to=position:2":          {"postCount: 0 > 1 by []"},
		"?from=position:3&to=2":          {"roles: [] > [admin] by [2]"},
	} {
		if diff := cmp.Diff(want, differences(t, s.want(t, 200, "", "GET", path+"/diff"+target, ""))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", target, diff)
		}
	}
}

// A difference between two moments of the past stays what it is; one up to now does not.
func TestDiffOfThePastIsKept(t *testing.T) {
	s := boot(t)
	path := life(t, s)
	got := s.want(t, 200, "", "GET", path+"/diff?from=1&to=3", "")
	if got.Header.Get("ETag") != `W/"1-3"` || got.Header.Get("Cache-Control") != "private, max-age=86400" {
		t.Errorf("of the past: %v", got.Header)
	}
	s.want(t, 304, "", "GET", path+"/diff?from=1&to=3", "", `If-None-Match: W/"1-3"`)
	if got = s.want(t, 200, "", "GET", path+"/diff?from=1", "", `If-None-Match: W/"1-7"`); got.Header.Get("ETag") != "" {
		t.Errorf("up to now: %v", got.Header)
	}
}
