package torture

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/usersvc/usersvc/internal/embeddedpg"
	"github.com/usersvc/usersvc/migrations"
)

// template is the folder of a migrated server that is not running. Checks begin with a copy: making one takes
// ten times as long.
var template = sync.OnceValues(func() (dir string, err error) {
	dir = filepath.Join(folder, "template")
	server, err := embeddedpg.Start(context.Background(), embeddedpg.Options{Dir: dir})
	if err != nil {
		return "", err
	}
	if err := migrations.Up(context.Background(), server.URL("postgres", databaseName)); err != nil {
		return "", fmt.Errorf("migrate the template: %w", err)
	}
	return filepath.Dir(server.DataDir), server.Stop()
})

// copyTemplate keeps owners and rights: the server insists on both.
func copyTemplate(dir string) error {
	from, err := template()
	if err != nil {
		return err
	}
	if out, err := exec.Command("cp", "-a", from+"/data", dir).CombinedOutput(); err != nil {
		return fmt.Errorf("copy the template: %w\n%s", err, out)
	}
	return nil
}
