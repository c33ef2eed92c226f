package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

var servedMetric = regexp.MustCompile(`\busersvc_\w+`)

// Each panel of the dashboard says what it shows, and shows metrics that there are.
func TestDashboardShowsWhatIsServed(t *testing.T) {
	t.Parallel()
	var dashboard struct {
		Panels []struct {
			Type, Title, Description string
			Targets                  []struct{ Expr string }
		}
	}
	text, err := os.ReadFile(root + "deploy/grafana/dashboards/usersvc.json")
	if err == nil {
		err = json.Unmarshal(text, &dashboard)
	}
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := os.ReadFile(root + "docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, p := range dashboard.Panels {
		if p.Type != "row" && (p.Description == "" || len(p.Targets) == 0) {
			t.Errorf("the panel %q says or shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			for _, name := range servedMetric.FindAllString(target.Expr, -1) {
				shown++
				if name = regexp.MustCompile(`_(bucket|count|sum)$`).ReplaceAllString(name, ""); !strings.Contains(string(metrics), "`"+name+"`") {
					t.Errorf("the panel %q shows %s, which nobody serves", p.Title, name)
				}
			}
		}
	}
	if shown < 20 {
		t.Errorf("only %d metrics are shown", shown)
	}
}

// With its profile, Compose starts Prometheus and Grafana as well, on loopback alone, with files that are there.
func TestComposeMonitors(t *testing.T) {
	t.Parallel()
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: root, ConfigFiles: types.ToConfigFiles([]string{root + "docker-compose.yml"}),
	}, loader.WithProfiles([]string{"monitoring"}))
	if err != nil {
		t.Fatal(err)
	}
	prometheus, grafana := service(t, project, "prometheus"), service(t, project, "grafana")
	if !strings.Contains(strings.Join(prometheus.Command, " "), "--web.listen-address=127.0.0.1:") {
		t.Errorf("Prometheus listens as %v says", prometheus.Command)
	}
	if addr := grafana.Environment["GF_SERVER_HTTP_ADDR"]; addr == nil || *addr != "127.0.0.1" {
		t.Errorf("Grafana listens at %v", addr)
	}
	for _, volume := range append(prometheus.Volumes, grafana.Volumes...) {
		if files, err := filepath.Glob(filepath.Join(volume.Source, "*")); err != nil || len(files) == 0 {
			t.Errorf("nothing to mount at %s (%v)", volume.Source, err)
		}
	}
}
