package rebuild_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/usersvc/usersvc/internal/activity"
	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/eventstore"
	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/pgtest"
	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/rebuild"
	"github.com/usersvc/usersvc/internal/users"
)

func TestMain(m *testing.M) {
	rebuild.Hurry()
	goleak.VerifyTestMain(m, pgtest.IgnoreServer())
}

// replica is one process's share of the service, without HTTP.
type replica struct {
	*users.Users
	log      *eventstore.Log
	profiles *projections.Profiles
	activity *activity.Intake
	relay    *outbox.Relay
	rebuilds *rebuild.Rebuilds
	pool     *pgxpool.Pool
	ids      []uuid.UUID
	adminURL string // past the door that the service has to take
}

const snapshotEvery = 5

var firstPage = projections.Query{Limit: 10, Order: projections.Order{By: "createdAt"}}

func open(t *testing.T) *replica {
	t.Helper()
	db := pgtest.DB(t)
	pool := pgtest.Pool(t, db.URL+"&pool_max_conns=16") // as many as a service has
	log := eventstore.Open(pool)
	profiles := projections.NewProfiles(pool)
	r := &replica{
		Users: users.New(log, profiles, snapshotEvery, zerolog.Nop()), log: log, profiles: profiles, pool: pool, adminURL: db.AdminURL,
		activity: activity.New(log),
		relay: outbox.New(pool, outbox.Subscription{
			Name: projections.Subscription, Handle: projections.Live.Apply, Skip: projections.Live.Skip, UserOf: projections.UserOf, Moved: profiles.Moved,
		}, outbox.DefaultRetry, zerolog.Nop()),
	}
	log.Notify(r.relay.Wake)
	r.rebuilds = rebuild.New(pool, zerolog.Nop(), rebuild.Profiles(pool, r.relay, outbox.DefaultRetry, zerolog.Nop()), rebuild.Snapshots(snapshotEvery))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		r.Close(ctx)
		log.Close(ctx)
	})
	return r
}

// work has the relay run until the test ends, or until stop is called.
func (r *replica) work(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.relay.Run(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// caughtUp waits until the projection has all events that there are now.
func (r *replica) caughtUp(t *testing.T) {
	t.Helper()
	head, err := r.log.Head(t.Context())
	if err == nil {
		_, err = r.profiles.List(t.Context(), firstPage, head.Position, 20*time.Second)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (r *replica) execute(ctx context.Context, id uuid.UUID, c domain.Command) error {
	_, err := r.Execute(ctx, users.Request{UserID: id, Command: c, Cause: users.Cause{Actor: "tester", Source: "test", CorrelationID: uuid.New()}})
	return err
}

func (r *replica) create(t *testing.T, n int) {
	t.Helper()
	for range n {
		id := uuid.Must(uuid.NewV7())
		email, err := domain.ParseEmail(id.String() + "@example.com")
		if err != nil {
			t.Fatal(err)
		}
		if err := r.execute(t.Context(), id, domain.CreateUser{Email: email, DisplayName: domain.Name("Müller, Jörg \"J\"\t" + id.String()[30:])}); err != nil {
			t.Fatal(err)
		}
		r.ids = append(r.ids, id)
	}
}

// happens is one random command, which a rule may refuse, or one event of another domain.
func (r *replica) happens(ctx context.Context, rng *rand.Rand) error {
	id := r.ids[rng.IntN(len(r.ids))]
	switch n := rng.IntN(10); {
	case n < 3:
		return r.activityOf(ctx, rng, id)
	case n < 5:
		return ignoreRules(r.execute(ctx, id, domain.GrantRole{Role: domain.Role(fmt.Sprintf("role%d", rng.IntN(5)))}))
	case n < 7:
		name := domain.Name(fmt.Sprintf("Name %d", rng.IntN(100)))
		return ignoreRules(r.execute(ctx, id, domain.ChangeProfile{FirstName: &name}))
	case n < 8:
		return ignoreRules(r.execute(ctx, id, domain.Suspend{Reason: "because"}))
	case n < 9:
		return ignoreRules(r.execute(ctx, id, domain.Reactivate{}))
	}
	return ignoreRules(r.execute(ctx, id, domain.RevokeRole{Role: "role1"}))
}

func (r *replica) activityOf(ctx context.Context, rng *rand.Rand, id uuid.UUID) error {
	what := []domain.Activity{domain.PostCreated{AuthorID: id}, domain.PostDeleted{AuthorID: id}, domain.UserFollowed{FollowerID: uuid.New(), FollowedUserID: id}}[rng.IntN(3)]
	results, err := r.activity.Take(ctx, activity.Cause{Source: "test"}, []activity.Event{{Origin: domain.Origin{Source: "/test", ID: uuid.NewString()}, What: what}})
	if err != nil {
		return err
	}
	return results[0]
}

func ignoreRules(err error) error {
	if _, refused := err.(*domain.Error); refused { //nolint:errorlint // as it comes
		return nil
	}
	return err
}

func (r *replica) history(t *testing.T, users, events int) {
	t.Helper()
	r.create(t, users)
	rng := rand.New(rand.NewPCG(1, 2)) // a reproducible history
	for range events {
		if err := r.happens(t.Context(), rng); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.activityOf(t.Context(), rng, uuid.New()); err != nil { // about nobody yet
		t.Fatal(err)
	}
}

// handled makes a history that the relay has handled. It rests then.
func (r *replica) handled(t *testing.T, users, events int) {
	t.Helper()
	r.history(t, users, events)
	stop := r.work(t)
	r.caughtUp(t)
	stop()
}

// settled opens a replica with a history that was handled, and that nobody adds to if a rebuild is to be alone.
func settled(t *testing.T, alone bool) *replica {
	t.Helper()
	r := open(t)
	r.handled(t, 10, 100)
	if alone {
		r.quiet(t)
	}
	return r
}

// rebuild does it, and returns how many users had live rows that were wrong.
func (r *replica) rebuild(t *testing.T, name string) int {
	t.Helper()
	if err := r.rebuilds.Rebuild(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	status := r.status(t, name)
	if status.State != "done" || status.Processed != status.Total || status.Error != nil {
		t.Errorf("after it: %+v", status)
	}
	if status.Differences == nil {
		return -1
	}
	return *status.Differences
}

func (r *replica) status(t *testing.T, name string) rebuild.Status {
	t.Helper()
	status, ok, err := r.rebuilds.Status(t.Context(), name)
	if err != nil || !ok {
		t.Fatal(status, ok, err)
	}
	return status
}

func (r *replica) untilSwitching(t *testing.T) {
	t.Helper()
	for phase := ""; phase != "switching"; {
		phase = r.status(t, "user_profiles").Phase
	}
}

// texts is a query's single column.
func (r *replica) texts(t *testing.T, query string, args ...any) []string {
	t.Helper()
	rows, _ := r.pool.Query(t.Context(), query, args...)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (r *replica) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	if _, err := r.pool.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// rows is what the projection consists of.
func (r *replica) rows(t *testing.T) []string {
	t.Helper()
	return r.texts(t, `
(SELECT p::text FROM derived.user_profiles p ORDER BY user_id)
UNION ALL (SELECT v::text FROM derived.user_versions v ORDER BY user_id, position)
UNION ALL (SELECT h::text FROM derived.role_holders h ORDER BY user_id, role)
UNION ALL (SELECT a::text FROM derived.activity a ORDER BY user_id, position)`)
}
