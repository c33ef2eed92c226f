//go:build unix

package embeddedpg_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/usersvc/usersvc/internal/embeddedpg"
)

func TestWhatIsInTheFolderStays(t *testing.T) {
	for name, test := range map[string]struct{ file, content, message string }{
		"no data of PostgreSQL": {"photo.jpg", "…", "holds something that is no PostgreSQL data"},
		"another version":       {"PG_VERSION", "13\n", "was made by PostgreSQL 13"},
		"an ancient version":    {"PG_VERSION", "9.6\n", "was made by PostgreSQL 9"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tempDir(t)
			file := filepath.Join(dir, "data", test.file)
			must(t, os.Mkdir(filepath.Dir(file), 0o755))
			must(t, os.WriteFile(file, []byte(test.content), 0o644))
			_, err := embeddedpg.Start(t.Context(), embeddedpg.Options{Dir: dir})
			if err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("got %v, want %q in it", err, test.message)
			}
			if kept, err := os.ReadFile(file); err != nil || string(kept) != test.content {
				t.Errorf("the file holds %q (%v)", kept, err)
			}
		})
	}
}

func TestInterruptedInitialisationIsBegunAgain(t *testing.T) {
	dir := tempDir(t)
	must(t, os.MkdirAll(filepath.Join(dir, "data.new", "base"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "data.new", "PG_VERSION"), []byte("1\n"), 0o644))
	must(t, os.Mkdir(filepath.Join(dir, "data"), 0o755)) // empty: as good as none
	start(t, embeddedpg.Options{Dir: dir, Throwaway: true})
	if _, err := os.Stat(filepath.Join(dir, "data.new")); !os.IsNotExist(err) {
		t.Errorf("data.new is still there (%v)", err)
	}
}

func TestLongPath(t *testing.T) {
	dir := filepath.Join(tempDir(t), strings.Repeat("long/", 30), "it's 100 % postgres")
	s := start(t, embeddedpg.Options{Dir: dir, Throwaway: true})
	if got := query(t, s, "SELECT 'answers'"); got != "answers" {
		t.Errorf("got %q", got)
	}
	socketDir := strings.Split(s.PsqlCommand(), "'")[1]
	if info, err := os.Stat(socketDir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the socket's folder %s: %v, %v", socketDir, info, err)
	}
	must(t, s.Stop())
	if _, err := os.Stat(socketDir); !os.IsNotExist(err) {
		t.Errorf("%s is left (%v)", socketDir, err)
	}
}

func TestPrivateFolder(t *testing.T) {
	dir := t.TempDir() // below a folder for its owner alone
	want := dir
	if os.Geteuid() == 0 {
		want = filepath.Join("/var/lib/usersvc", dir)
		t.Cleanup(func() { removeWithParents(t, want) })
	}
	s := start(t, embeddedpg.Options{Dir: dir, Throwaway: true})
	if s.DataDir != filepath.Join(want, "data") {
		t.Errorf("the data is in %s, want it below %s", s.DataDir, want)
	}
}

// removeWithParents removes a folder, and those above it that are empty then.
func removeWithParents(t *testing.T, dir string) {
	must(t, os.RemoveAll(dir))
	for err := error(nil); err == nil; err = os.Remove(dir) {
		dir = filepath.Dir(dir)
	}
}

func TestSettingsOfOurEnvironmentDoNotReachTheServer(t *testing.T) {
	for name, value := range map[string]string{
		"PGPORT": "1", "PGDATA": "/nowhere", "PGHOST": "nowhere.invalid", "PGUSER": "nobody",
		"LC_ALL": "tlh_KL", "LANG": "tlh_KL", "LANGUAGE": "tlh",
	} {
		t.Setenv(name, value)
	}
	s := start(t, embeddedpg.Options{Dir: tempDir(t), Throwaway: true})
	if got := query(t, s, "SELECT current_user || ' ' || current_setting('port')"); got != "postgres 5432" {
		t.Errorf("got %q", got)
	}
	if got := query(t, s, "SELECT datcollate FROM pg_database WHERE datname = 'usersvc'"); got != "C.UTF-8" && got != "C" {
		t.Errorf("the collation is %q", got)
	}
}

func TestProgramsOfAnEmptyFolder(t *testing.T) {
	empty := t.TempDir()
	t.Setenv("USERSVC_PG_BIN", empty)
	_, err := embeddedpg.Start(t.Context(), embeddedpg.Options{Dir: tempDir(t)})
	if err == nil || !strings.Contains(err.Error(), "USERSVC_PG_BIN: ") || !strings.Contains(err.Error(), empty) {
		t.Errorf("got %v", err)
	}
}
