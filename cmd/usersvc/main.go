// Command usersvc serves users: an event log on PostgreSQL, and what can be read from it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // little is kept between requests: memory is cheaper here than collecting it
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "usersvc:", err)
		os.Exit(statusOf(err))
	}
}

// failure is an error with an exit status of its own; others have 1.
type failure struct {
	error
	status int
}

func statusOf(err error) int {
	if f := new(failure); errors.As(err, &f) {
		return f.status
	}
	return 1
}
