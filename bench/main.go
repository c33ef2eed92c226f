// Command bench measures the service against simpler designs, and prints what it found as Markdown.
//
// It is made to be argued with:
//
//   - Every contender is a process of its own, over a database of its own, of one PostgreSQL that is
//     started for the purpose with full durability. Load comes over loopback from this process.
//   - Contenders take turns within each round (A B C, A B C, …), so that a slow minute of the disk or
//     of the neighbours hits all of them. A claim is a ratio of two measurements of one round; the
//     median of the rounds is what counts, with the lowest and highest beside it. Nothing is left out.
//   - The load is closed: a connection sends its next request when it has the answer to the last one.
//     Latencies are therefore those at full load. At fixed rates it is open (open.go).
//   - What a commit waits for decides a good part of every comparison, so the writers are compared
//     once more as if a sync took longer (disk.go).
//   - Every answer is read and checked. Only commands that succeeded count.
//   - The contenders are kept short, and do less than the service: none of them has a projection,
//     idempotency keys, conditions or histories with an actor to answer from.
//
// With an argument it measures something else instead: transfer, the export and the import of a log (transfer.go); rebuild,
// how fast a projection is made again (rebuild.go); past, reads of the past beside those of now (travel.go); scale, logs of
// three lengths (scale.go); soak, full load for half an hour (soak.go); observed, what it costs that the service measures
// itself and logs (observed.go).
//
// The service runs as it would for anyone, but with USERSVC_LOG_LEVEL=warn: the others log nothing.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// options say how long to measure, and how much.
type options struct {
	rounds    int
	period    time.Duration // of one measurement
	warmUp    time.Duration // before it, not counted
	dir       string        // where the database's folder is made: on the disk to be measured
	long      int           // events of the user with the long history
	events    int           // of the log that is transferred
	reads     int           // of each kind in a turn, where the past is compared with now
	crowd     int           // connections of an overload
	write     string        // the folder of benchmarks.md and benchmarks.svg; empty: the page is printed
	throwaway bool          // for tests of the bench itself: the disk is not waited for
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

const defaultDir = "/var/tmp"

// run measures, or, when this process was started for that, is one of the contenders.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 2 && args[0] == contendArg {
		return contend(ctx, args[1], os.Getenv("DATABASE_URL"), stdout)
	}
	if len(args) > 0 && args[0] == transferArg {
		return runTransfer(ctx, args[1:], stdout, stderr)
	}
	o := options{warmUp: 500 * time.Millisecond, long: 100_000, reads: 200, crowd: 6000}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.rounds, "rounds", 5, "how often each measurement is taken")
	flags.DurationVar(&o.period, "period", 3*time.Second, "how long each measurement takes")
	flags.StringVar(&o.dir, "dir", defaultDir, "where the database is kept meanwhile: on the disk to be measured, not in memory")
	flags.StringVar(&o.write, "write", "", "the folder to write benchmarks.md and benchmarks.svg to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	// The load fits on one processor. With more, threads of this process that look for something to do
	// would take time from whoever is being measured.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	switch flags.Arg(0) {
	case rebuildArg:
		return benchRebuilds(ctx, o, rebuiltEvents, stdout, stderr)
	case soakArg:
		return benchSoak(ctx, o, stdout, stderr)
	case scaleArg:
		return benchScale(ctx, o, ladder, stdout, stderr)
	case observedArg:
		return benchObserved(ctx, o, stdout, stderr)
	case travelArg:
		return benchTravel(ctx, o, travelledUsers, stdout, stderr)
	}
	r, err := measure(ctx, o, stderr)
	if err != nil {
		return err
	}
	return r.publish(stdout)
}

func runTransfer(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o options
	flags := flag.NewFlagSet("bench transfer", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.events, "events", 1_000_000, "how many events the log has")
	flags.StringVar(&o.dir, "dir", defaultDir, "where the database is kept meanwhile: on the disk to be measured, not in memory")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return transfer(ctx, o, stdout, stderr)
}
