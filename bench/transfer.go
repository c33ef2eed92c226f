package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/google/uuid"
)

// transferArg as the first argument measures `usersvc export` and `usersvc import` instead.
const transferArg = "transfer"

// transfer makes a log of so many events, exports it, imports it into an empty database and exports it once more.
// Both programs are measured from their start to their end.
func transfer(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	b := &bench{options: o, progress: stderr, report: &report{options: o}}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.openDatabase(ctx); err != nil {
		return err
	}
	for _, condition := range b.report.conditions {
		fmt.Fprintln(stdout, "-", condition)
	}
	binary, err := b.buildService(ctx)
	if err != nil {
		return err
	}
	for _, name := range []string{serviceName, "imported"} {
		if err := b.pg.makeDatabase(ctx, name); err != nil {
			return err
		}
	}
	made, one, two := filepath.Join(b.dir, "made"), filepath.Join(b.dir, "one"), filepath.Join(b.dir, "two")
	if err := makeLog(made, o.events); err != nil {
		return err
	}
	var took []time.Duration
	for _, run := range []struct {
		database string
		args     []string
	}{
		{serviceName, []string{"import", made}}, {serviceName, []string{"export", "--output", one}},
		{"imported", []string{"import", one}}, {"imported", []string{"export", "--output", two}},
	} {
		d, err := b.timed(ctx, binary, run.database, run.args)
		if err != nil {
			return err
		}
		b.say("%v: %v", run.args, d)
		took = append(took, d)
	}
	first, size, err := digest(one)
	second, _, errSecond := digest(two)
	if err := errors.Join(err, errSecond); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "- %d events, %d MB of lines\n\n| | events/s |\n|---|--:|\n", o.events, size>>20)
	fmt.Fprintf(stdout, "| export | %s |\n| import into an empty database | %s |\n\n", rate(o.events, took[1]), rate(o.events, took[2]))
	if !bytes.Equal(first, second) {
		return errors.New("the second export is not the first, byte for byte")
	}
	fmt.Fprintln(stdout, "The second export is the first, byte for byte.")
	return nil
}

func rate(events int, took time.Duration) string { return count(float64(events) / took.Seconds()) }

// timed runs the program to its end.
func (b *bench) timed(ctx context.Context, binary, database string, args []string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(os.Environ(), "DATABASE_URL="+b.pg.url(database), "USERSVC_MIGRATE_DATABASE_URL="+b.pg.server.URL("postgres", database))
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%v: %w\n%s", args, err, out)
	}
	return time.Since(began), nil
}

// makeLog writes a file in which all users are created, and then change their names in turn.
func makeLog(path string, events int) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	lines := bufio.NewWriter(file)
	users := make([]uuid.UUID, max(events/eventsPerUser, 1))
	at := time.Now().Add(-24 * time.Hour).UTC()
	for n := range events {
		user, version := n%len(users), n/len(users)+1
		if version == 1 {
			if users[user], err = uuid.NewV7(); err != nil {
				return err
			}
		}
		event := fmt.Sprintf(`"type":"UserProfileChanged","schemaVersion":1,"data":{"displayName":"Ada the %d"}`, n)
		if version == 1 {
			event = fmt.Sprintf(`"type":"UserCreated","schemaVersion":1,"data":{"email":"user%d@example.com","name":"Ada Lovelace %d"}`, n, n)
		}
		at = at.Add(time.Millisecond)
		fmt.Fprintf(lines, `{"streamType":"user","streamId":"%s","version":%d,%s,"metadata":{"actor":"bench","source":"import","correlationId":"%s"},"recordedAt":"%s"}`+"\n",
			users[user], version, event, users[user], at.Format("2006-01-02T15:04:05.000000Z"))
	}
	return errors.Join(lines.Flush(), file.Close())
}

// digest tells files apart that are too large to be held.
func digest(path string) (sum []byte, size int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	hash := sha256.New()
	size, err = io.Copy(hash, file)
	return hash.Sum(nil), size, err
}
