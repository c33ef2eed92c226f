package main_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

const root = "../../"

// compose loads docker-compose.yml against the Compose schema, with no variable set.
func compose(t *testing.T) *types.Project {
	t.Helper()
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  root,
		ConfigFiles: types.ToConfigFiles([]string{root + "docker-compose.yml"}),
	})
	if err != nil {
		t.Fatalf("docker-compose.yml does not load: %v", err)
	}
	return project
}

func service(t *testing.T, project *types.Project, name string) types.ServiceConfig {
	t.Helper()
	s, err := project.GetService(name)
	if err != nil {
		t.Fatalf("docker-compose.yml: %v", err)
	}
	return s
}

func TestComposeStartsInOrder(t *testing.T) {
	t.Parallel()
	project := compose(t)
	if names := project.ServiceNames(); len(names) != 3 {
		t.Errorf("services are %v, want db, migrate and usersvc", names)
	}
	if image := service(t, project, "db").Image; image != "postgres:17" {
		t.Errorf("db runs %s, want postgres:17", image)
	}
	for _, want := range []struct{ service, waitsFor, until string }{
		{"migrate", "db", types.ServiceConditionHealthy},
		{"usersvc", "db", types.ServiceConditionHealthy},
		{"usersvc", "migrate", types.ServiceConditionCompletedSuccessfully},
	} {
		if got := service(t, project, want.service).DependsOn[want.waitsFor].Condition; got != want.until {
			t.Errorf("%s waits for %s until %q, want %q", want.service, want.waitsFor, got, want.until)
		}
	}
	for _, name := range []string{"db", "usersvc"} {
		if check := service(t, project, name).HealthCheck; check == nil || check.Disable || len(check.Test) < 2 {
			t.Errorf("%s has no health check", name)
		}
	}
}

func TestComposeRunsOurImageWithoutRights(t *testing.T) {
	t.Parallel()
	project := compose(t)
	for _, name := range []string{"migrate", "usersvc"} {
		s := service(t, project, name)
		if s.User == "" || strings.HasPrefix(s.User, "0") || strings.HasPrefix(s.User, "root") {
			t.Errorf("%s runs as user %q", name, s.User)
		}
		if !s.ReadOnly || s.Privileged || len(s.CapDrop) != 1 || s.CapDrop[0] != "ALL" {
			t.Errorf("%s may write to its image or keeps capabilities", name)
		}
		if s.Build == nil {
			t.Errorf("%s is not built from the Dockerfile", name)
		}
	}
}

// The service refuses to listen beyond loopback while authentication is off.
func TestComposeServesLoopbackOfTheHost(t *testing.T) {
	t.Parallel()
	s := service(t, compose(t), "usersvc")
	addr := s.Environment["USERSVC_ADDR"]
	if addr == nil {
		t.Fatal("USERSVC_ADDR is not set")
	}
	listener, err := netip.ParseAddrPort(*addr)
	if err != nil || !listener.Addr().IsLoopback() {
		t.Errorf("USERSVC_ADDR is %s, want a loopback address", *addr)
	}
	if s.NetworkMode != "host" {
		t.Errorf("network mode is %q: nobody could reach the container's loopback", s.NetworkMode)
	}
}

// The database is in nobody's network, so each role's only way in is the socket, with its own password.
func TestComposeReachesTheDatabaseThroughItsSocket(t *testing.T) {
	t.Parallel()
	project := compose(t)
	db := service(t, project, "db")
	if db.NetworkMode != "none" || len(db.Ports) != 0 {
		t.Errorf("db is in network %q with ports %v", db.NetworkMode, db.Ports)
	}
	for name, role := range map[string]string{"migrate": "postgres", "usersvc": "usersvc"} {
		s := service(t, project, name)
		url := s.Environment["DATABASE_URL"]
		if want := "postgres://" + role + ":" + role + "@/usersvc?host=/var/run/postgresql"; url == nil || *url != want {
			t.Errorf("%s: DATABASE_URL is %v, want %s", name, url, want)
		}
		if !mounts(s, "socket", "/var/run/postgresql") {
			t.Errorf("%s does not mount the socket", name)
		}
	}
	if !mounts(db, "socket", "/var/run/postgresql") || !mounts(db, "data", "/var/lib/postgresql/data") {
		t.Errorf("db does not keep its data or its socket in a volume: %v", db.Volumes)
	}
	if args := db.Environment["POSTGRES_INITDB_ARGS"]; args == nil || *args != "--auth=scram-sha-256" {
		t.Error("the socket lets any role in without a password")
	}
	if sql := project.Configs["login"].Content; !strings.Contains(sql, "CREATE ROLE usersvc LOGIN PASSWORD 'usersvc'") {
		t.Errorf("the first start runs %q", sql)
	}
}

func mounts(s types.ServiceConfig, volume, target string) bool {
	for _, v := range s.Volumes {
		if v.Type == types.VolumeTypeVolume && v.Source == volume && v.Target == target {
			return true
		}
	}
	return false
}

func TestImageIsNonRootAndRefusesTheEmbeddedDatabase(t *testing.T) {
	t.Parallel()
	dockerfile, err := os.ReadFile(root + "Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	_, final, found := strings.Cut(string(dockerfile), "\nFROM scratch\n")
	if !found {
		t.Fatal("the final image is not empty")
	}
	for _, line := range []string{
		"USER 65532:65532",
		"ENV USERSVC_REQUIRE_DATABASE_URL=1",
		`CMD ["/usersvc", "health"]`,
		`ENTRYPOINT ["/usersvc"]`,
	} {
		if !strings.Contains(final, line) {
			t.Errorf("the final image lacks %s", line)
		}
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
