package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	httpapi "github.com/usersvc/usersvc/internal/http"
)

const (
	serviceName      = "usersvc"
	oneStatementName = "one-statement"
	naiveName        = "naive"
	crudName         = "crud"
	listedName       = "crud-listed"
	plainGetName     = "plain-get"
	helloName        = "hello"
	pgbenchName      = "pgbench"
)

// contender is one of the simpler designs: a handler, and its tables.
type contender struct {
	schema  string // empty: it reads the service's tables
	handler func(*pgxpool.Pool) http.Handler
}

var contenders = map[string]contender{
	oneStatementName: {oneStatementSchema, newOneStatement},
	naiveName:        {naiveSchema, newNaive},
	crudName:         {crudSchema, newCRUD},
	listedName:       {listedSchema, newCRUD},
	plainGetName:     {"", newPlainGet},
	helloName:        {"", newHello},
}

// contendArg makes this program a contender.
const contendArg = "contend"

const (
	// As many as the service has, and what did best for one statement per request among 8 to 40.
	poolSize = 16
	// Who is not measured holds no connections: PostgreSQL has a hundred.
	idleTime = time.Second
)

// contend serves a contender until ctx ends, behind a server like the service's own.
func contend(ctx context.Context, name, url string, stdout io.Writer) error {
	debug.SetGCPercent(400) // as the service does
	c, ok := contenders[name]
	if !ok {
		return fmt.Errorf("there is no contender %q", name)
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return err
	}
	config.MaxConns, config.MaxConnIdleTime, config.HealthCheckPeriod = poolSize, idleTime, idleTime/2
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := httpapi.NewServer(c.handler(pool))
	defer context.AfterFunc(ctx, func() { _ = server.Close() })() // nobody waits for its answers any more
	fmt.Fprintf(stdout, "serving:  http://%s\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
