package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"
	"github.com/rs/zerolog"
	"golang.org/x/term"

	"github.com/usersvc/usersvc/internal/outbox"
)

// config is what every subcommand takes, from flags or from the environment. README has the table.
type config struct {
	DatabaseURL        string `name:"database-url" env:"DATABASE_URL" placeholder:"postgres://…" help:"PostgreSQL 14 or newer. Without it, a private server is kept in the data folder."`
	MigrateDatabaseURL string `name:"migrate-database-url" env:"USERSVC_MIGRATE_DATABASE_URL" placeholder:"postgres://…" help:"Where to migrate and import: a direct connection of a role that may create roles. Default: the database URL."`
	RequireDatabaseURL bool   `name:"require-database-url" env:"USERSVC_REQUIRE_DATABASE_URL" help:"Refuse to keep a private server, as in a container."`
	DataDir            string `name:"data-dir" env:"USERSVC_DATA_DIR" default:".data" help:"Folder of the private server."`
	LogLevel           string `name:"log-level" env:"USERSVC_LOG_LEVEL" default:"info" enum:"trace,debug,info,warn,error" help:"${enum}"`
	LogFormat          string `name:"log-format" env:"USERSVC_LOG_FORMAT" default:"" enum:",console,json" help:"console or json. Default: console on a terminal, else json."`
	SnapshotEvery      int    `name:"snapshot-every" env:"USERSVC_SNAPSHOT_EVERY" default:"100" help:"Events of a user between two snapshots."`
	RetryTries         int    `name:"retry-tries" env:"USERSVC_RETRY_TRIES" default:"12" help:"How often an event is tried whose handler fails, before it waits for a person."`
	ParkedLimit        int    `name:"parked-limit" env:"USERSVC_PARKED_LIMIT" default:"100000" help:"How many events may wait behind failed ones before the projection stops instead."`

	JSON bool `name:"json" help:"Answer in JSON, for programs."`

	Serve   serveCommand   `cmd:"" default:"withargs" help:"Run the service (the default)."`
	Migrate migrateCommand `cmd:"" help:"Bring the schema of the database up to date, or back."`
	Token   tokenCommand   `cmd:"" help:"Make a token for trying the service out, and the keys for it in the data folder."`
	Health  healthCommand  `cmd:"" help:"Ask a running service whether it is ready."`

	Demo        demoCommand        `cmd:"" help:"Fill an empty database with a year of people who do not exist, to look around in."`
	Export      exportCommand      `cmd:"" help:"Write the log as lines of JSON, one event each, as it is stored. Progress goes to standard error."`
	Import      importCommand      `cmd:"" help:"Append what such lines have and the log does not have yet, as the migrating role. Whatever is wrong with them, nothing is stored."`
	Rebuild     rebuildCommand     `cmd:"" help:"Make a projection, or the snapshots, again from the log, beside a running service."`
	Verify      verifyCommand      `cmd:"" help:"Check that the log is whole and that everything derived from it is right. Exit status 1: it is not, 2: it could not be checked."`
	Sessions    sessionsCommand    `cmd:"" help:"See, or end, sessions of PostgreSQL that hold everybody up."`
	DeadLetters deadLettersCommand `cmd:"" name:"dead-letters" help:"See, retry or give up events that a projection failed on."`

	Completion kongcompletion.Completion `cmd:"" help:"Say how to have the shell (bash, zsh or fish) complete commands and flags."`
}

// run is the program: what it is told, and where it writes.
func run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	var c config
	exit := errors.New("done")
	parser, err := kong.New(&c, kong.Name("usersvc"), kong.UsageOnError(), kong.Writers(stdout, os.Stderr),
		kong.Description("A user service that never forgets: every change is an event, every past moment can be read."),
		kong.Exit(func(int) { panic(exit) }), kong.Resolvers(environment(getenv)),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(stdout, (*io.Writer)(nil)))
	if err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil && p != exit { //nolint:errorlint // the very value that was thrown, after --help
			panic(p)
		}
	}()
	kongcompletion.Register(parser)
	command, err := parser.Parse(args)
	if err != nil {
		return err
	}
	return command.Run(&c)
}

// environment resolves flags from getenv, so that a test brings an environment of its own.
func environment(getenv func(string) string) kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		for _, name := range flag.Envs {
			if value := getenv(name); value != "" {
				return value, nil
			}
		}
		return nil, nil
	})
}

// logger writes to w, and lets the others listen.
func (c *config) logger(w io.Writer, others ...io.Writer) zerolog.Logger {
	level, err := zerolog.ParseLevel(c.LogLevel)
	if err != nil {
		level = zerolog.InfoLevel
	}
	if f, ok := w.(*os.File); c.LogFormat == "console" || c.LogFormat == "" && ok && term.IsTerminal(int(f.Fd())) {
		w = zerolog.ConsoleWriter{Out: w, TimeFormat: "15:04:05.000"}
	}
	return zerolog.New(zerolog.MultiLevelWriter(append(others, w)...)).Level(level).With().Timestamp().Logger()
}

// checkDerived is for whoever makes what is derived from the log.
func (c *config) checkDerived() error {
	if c.SnapshotEvery < 1 || c.RetryTries < 1 || c.ParkedLimit < 1 {
		return errors.New("USERSVC_SNAPSHOT_EVERY, USERSVC_RETRY_TRIES and USERSVC_PARKED_LIMIT must be at least 1")
	}
	return nil
}

func (c *config) retry() outbox.Retry { return outbox.Retry{Tries: c.RetryTries, Limit: c.ParkedLimit} }

func (c *config) postgresDir() string { return filepath.Join(c.DataDir, "postgres") }

// isLoopback says whether only this machine can reach an address.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func refuseOpenListener(addr string) error {
	if isLoopback(addr) {
		return nil
	}
	return fmt.Errorf("USERSVC_AUTH=off lets everyone do everything, so it listens on loopback only, not on %s", addr)
}
