package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const (
	rules     = "deploy/prometheus/usersvc.rules.yml"
	rulesTest = "deploy/prometheus/usersvc.rules.test.yml"
)

// alert is a rule, as far as these tests look at it.
type alert struct {
	Alert, Expr string
	Annotations map[string]string
}

func alerts(t *testing.T) (all []alert) {
	t.Helper()
	var file struct{ Groups []struct{ Rules []alert } }
	if err := yaml.Unmarshal([]byte(read(t, rules)), &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

var (
	metricName  = regexp.MustCompile(`\b(?:usersvc|node)_\w+`)
	ofHistogram = regexp.MustCompile(`_(bucket|count|sum)$`)
)

// wantDescribed finds the service's own metrics of an expression in docs/metrics.md, which lists what is served.
func wantDescribed(t *testing.T, who, expression string) (found int) {
	t.Helper()
	metrics := read(t, "docs/metrics.md")
	for _, name := range metricName.FindAllString(expression, -1) {
		own := strings.HasPrefix(name, "usersvc_")
		if own && !strings.Contains(metrics, "`"+ofHistogram.ReplaceAllString(name, "")+"`") {
			t.Errorf("%s is about %s, which nobody serves", who, name)
		}
		found++
	}
	return found
}

// Each alert has a page that names it and is about metrics that there are, and each page has an alert.
func TestAlertsAndRunbooksBelongTogether(t *testing.T) {
	t.Parallel()
	tests := read(t, rulesTest)
	pages := []string{"backup-and-restore.md"} // nothing alerts of it
	for _, a := range alerts(t) {
		page := filepath.Base(a.Annotations["runbook_url"])
		pages = append(pages, page)
		if !strings.Contains(read(t, runbooks+page), "`"+a.Alert+"`") {
			t.Errorf("%s%s does not name %s", runbooks, page, a.Alert)
		}
		if !regexp.MustCompile(`alertname: ` + a.Alert + `\n\s+exp_alerts:`).MatchString(tests) {
			t.Errorf("%s: nothing shows that %s fires", rulesTest, a.Alert)
		}
		wantDescribed(t, a.Alert, a.Expr)
	}
	found, err := filepath.Glob(top + runbooks + "*.md")
	if err != nil || len(found) != len(pages) {
		t.Errorf("%d pages (%v), for %v", len(found), err, pages)
	}
}

func TestAlertsFireWhenTheyShould(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Log("not shown on this machine: promtool is not installed")
		return
	}
	if said, err := exec.CommandContext(t.Context(), promtool, "test", "rules", top+rulesTest).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}

// Each panel of the dashboard says what it shows, and shows metrics that there are.
func TestDashboardShowsWhatIsServed(t *testing.T) {
	t.Parallel()
	var dashboard struct {
		Panels []struct {
			Type, Title, Description string
			Targets                  []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "deploy/grafana/dashboards/usersvc.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, p := range dashboard.Panels {
		if p.Type != "row" && (p.Description == "" || len(p.Targets) == 0) {
			t.Errorf("the panel %q says or shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			shown += wantDescribed(t, p.Title, target.Expr)
		}
	}
	if shown < 20 {
		t.Errorf("only %d metrics are shown", shown)
	}
}
