package verify_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
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
	"github.com/usersvc/usersvc/internal/verify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, pgtest.IgnoreServer()) }

const snapshotEvery = 3

// house is a service with some history, and a relay that runs.
type house struct {
	*users.Users
	log      *eventstore.Log
	profiles *projections.Profiles
	activity *activity.Intake
	rebuilds *rebuild.Rebuilds
	pool     *pgxpool.Pool
	db       pgtest.Database
	ids      []uuid.UUID
}

func open(t *testing.T) *house {
	t.Helper()
	t.Parallel()
	db := pgtest.DB(t)
	pool := pgtest.Pool(t, db.URL)
	log := eventstore.Open(pool)
	profiles := projections.NewProfiles(pool)
	relay := outbox.New(pool, outbox.Subscription{
		Name: projections.Subscription, Handle: projections.Live.Apply, Skip: projections.Live.Skip, UserOf: projections.UserOf, Moved: profiles.Moved,
	}, outbox.DefaultRetry, zerolog.Nop())
	log.Notify(relay.Wake)
	h := &house{
		Users: users.New(log, profiles, snapshotEvery, zerolog.Nop()), log: log, profiles: profiles, activity: activity.New(log), pool: pool, db: db,
		rebuilds: rebuild.New(pool, zerolog.Nop(), rebuild.Profiles(pool, relay, outbox.DefaultRetry, zerolog.Nop()), rebuild.Snapshots(snapshotEvery)),
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() { relay.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		h.Close(ctx)
		log.Close(ctx)
	})
	h.happen(t)
	return h
}

// happen makes six users, of whom the last is deleted, and what becomes of them.
func (h *house) happen(t *testing.T) {
	t.Helper()
	for n := range 6 {
		id := uuid.Must(uuid.NewV7())
		email, err := domain.ParseEmail(fmt.Sprintf("user%d@example.com", n))
		if err != nil {
			t.Fatal(err)
		}
		h.ids = append(h.ids, id)
		h.must(t, id, domain.CreateUser{Email: email, DisplayName: "Somebody"})
		for i := range 8 {
			h.must(t, id, domain.GrantRole{Role: domain.Role(fmt.Sprintf("role%d", i))})
		}
		h.post(t, id)
		h.post(t, id)
	}
	h.must(t, h.ids[5], domain.DeleteUser{})
	h.post(t, uuid.New())
	h.caughtUp(t)
	h.haveSnapshots(t, len(h.ids)*9/snapshotEvery)
}

// haveSnapshots waits for what is saved off the path of commands.
func (h *house) haveSnapshots(t *testing.T, want int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(5 * time.Millisecond) {
		var got int
		err := h.pool.QueryRow(t.Context(), `SELECT count(*) FROM derived.snapshots`).Scan(&got)
		if err == nil && got == want {
			return
		}
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("%d snapshots, want %d, %v", got, want, err)
		}
	}
}

func (h *house) must(t *testing.T, id uuid.UUID, c domain.Command) {
	t.Helper()
	_, err := h.Execute(t.Context(), users.Request{
		UserID: id, Command: c, Cause: users.Cause{Actor: "tester", Source: "test", CorrelationID: uuid.New()}, Key: &users.IdempotencyKey{Caller: "tester", Key: uuid.NewString(), Status: 200},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) post(t *testing.T, author uuid.UUID) {
	t.Helper()
	_, err := h.activity.Take(t.Context(), activity.Cause{Source: "test"}, []activity.Event{
		{Origin: domain.Origin{Source: "/test", ID: uuid.NewString()}, What: domain.PostCreated{AuthorID: author}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) caughtUp(t *testing.T) {
	t.Helper()
	head, err := h.log.Head(t.Context())
	if err == nil {
		_, err = h.profiles.List(t.Context(), projections.Query{Limit: 1, Order: projections.Order{By: "createdAt"}}, head.Position, 20*time.Second)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// spoil runs a statement as one who may do everything, whatever the triggers say.
func (h *house) spoil(t *testing.T, statement string, args ...any) {
	t.Helper()
	conn := h.operator(t)
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.Exec(t.Context(), `ALTER TABLE eventlog.events DISABLE TRIGGER ALL`); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(statement, "TRIGGER") {
		return
	}
	if _, err := conn.Exec(t.Context(), `ALTER TABLE eventlog.events ENABLE ALWAYS TRIGGER events_are_immutable`); err != nil {
		t.Fatal(err)
	}
}

func (h *house) operator(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), h.db.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// wrong are the checks that find something.
func (h *house) wrong(t *testing.T) (names []string) {
	t.Helper()
	report, err := verify.Check(t.Context(), h.pool, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results {
		if r.Wrong > 0 {
			names = append(names, fmt.Sprintf("%s %d", r.Check, r.Wrong))
		}
	}
	if report.Right() != (len(names) == 0) || len(report.Results) != 11 {
		t.Errorf("%+v", report)
	}
	return names
}

func TestNothingIsWrong(t *testing.T) {
	h := open(t)
	if wrong := h.wrong(t); wrong != nil {
		t.Errorf("found %v", wrong)
	}
	var snapshots int
	if err := h.pool.QueryRow(t.Context(), `SELECT count(*) FROM derived.snapshots`).Scan(&snapshots); err != nil || snapshots == 0 {
		t.Errorf("%d snapshots, %v", snapshots, err)
	}
}

// Snapshots of another build are not read, and those at the steps of another setting are as good as any.
func TestSnapshotsOfOthersAreNotWrong(t *testing.T) {
	h := open(t)
	other := users.New(h.log, h.profiles, 5, zerolog.Nop())
	cause := users.Cause{Actor: "tester", Source: "test", CorrelationID: uuid.New()}
	if _, err := other.Execute(t.Context(), users.Request{UserID: h.ids[1], Command: domain.GrantRole{Role: "another"}, Cause: cause}); err != nil {
		t.Fatal(err)
	}
	other.Close(t.Context())
	h.spoil(t, `INSERT INTO derived.snapshots SELECT stream_id, schema - 1, 1000, position, recorded_at, state FROM derived.snapshots WHERE stream_id = $1 AND version = 9`, h.ids[2])
	var odd int
	if err := h.pool.QueryRow(t.Context(), `SELECT count(*) FROM derived.snapshots WHERE version = 10`).Scan(&odd); err != nil || odd != 1 {
		t.Fatalf("%d snapshots at version 10, %v", odd, err)
	}
	if wrong := h.wrong(t); wrong != nil {
		t.Errorf("found %v", wrong)
	}
}

// Each of these is found, by its check and by no other, and mended where it can be.
func TestEverythingWrongIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		spoil  string
		with   int // an id
		want   []string
		remain []string // after the repair
	}{
		"a trigger turned off":                  {`ALTER TABLE eventlog.events DISABLE TRIGGER events_are_immutable`, -1, []string{"immutability 1"}, []string{"immutability 1"}},
		"a trigger that a session may turn off": {`ALTER TABLE eventlog.events ENABLE TRIGGER events_are_immutable`, -1, []string{"immutability 1"}, []string{"immutability 1"}},
		"a missing event":                       {`DELETE FROM eventlog.events WHERE type = 'PostCreated' AND position = (SELECT min(position) FROM eventlog.events WHERE type = 'PostCreated' AND $1::uuid IS NOT NULL)`, 0, []string{"positions 1"}, []string{"positions 1"}},
		"a time that goes back":                 {`UPDATE eventlog.events SET recorded_at = recorded_at - interval '1 day' WHERE position = 2 AND $1::uuid IS NOT NULL`, 0, []string{"times 1", "user_profiles 1"}, []string{"times 1"}},
		"a version left out":                    {`UPDATE eventlog.events SET version = 100 WHERE stream_id = $1 AND version = 9`, 0, []string{"versions 1", "idempotency keys 1"}, nil},
		"a stream of two types":                 {`UPDATE eventlog.events SET stream_type = 'activity' WHERE stream_id = $1 AND version = 9`, 0, []string{"streams 1"}, nil},
		"a record of nothing":                   {`UPDATE eventlog.idempotency_keys SET position = position + 1 WHERE stream_id = $1 AND version = 2`, 0, []string{"idempotency keys 1"}, []string{"idempotency keys 1"}},
		"an address not held":                   {`DELETE FROM eventlog.claims WHERE stream_id = $1`, 1, []string{"claims 1"}, nil},
		"an address held too long":              {`INSERT INTO eventlog.claims VALUES ('email', 'gone@example.com', $1)`, 5, []string{"claims 1"}, nil},
		"another's address":                     {`UPDATE eventlog.claims SET stream_id = $1 WHERE key = 'user1@example.com'`, 2, []string{"claims 2"}, nil},
		"a wrong snapshot":                      {`UPDATE derived.snapshots SET state = state || '{"email":"x@example.com"}' WHERE stream_id = $1 AND version = 6`, 3, []string{"snapshots 1"}, nil},
		"a snapshot behind the end of its user": {`INSERT INTO derived.snapshots SELECT stream_id, schema, version + 100, position, recorded_at, state FROM derived.snapshots WHERE stream_id = $1 AND version = 9`, 3, []string{"snapshots 1"}, nil},
		"a snapshot of nobody":                  {`INSERT INTO derived.snapshots SELECT gen_random_uuid(), schema, version, position, recorded_at, state FROM derived.snapshots WHERE stream_id = $1 AND version = 9`, 3, []string{"snapshots 1"}, nil},
		"a wrong row":                           {`UPDATE derived.user_profiles SET search = '' WHERE user_id = $1`, 4, []string{"user_profiles 1"}, nil},
		"a missing row":                         {`DELETE FROM derived.user_profiles WHERE user_id = $1`, 4, []string{"user_profiles 1"}, nil},
		"a role never given":                    {`INSERT INTO derived.role_holders (user_id, role, created_at, position) VALUES ($1, 'ghost', now(), 1)`, 4, []string{"user_profiles 1"}, nil},
		"a wrong counter":                       {`UPDATE derived.activity SET post_count = 7 WHERE user_id = $1`, 4, []string{"user_profiles 1"}, nil},
		"a letter about nothing":                {`INSERT INTO derived.dead_letters (id, subscription, user_id, position, state) VALUES (gen_random_uuid(), 'user_profiles', $1, 1000000, 'dead')`, 4, []string{"dead letters 2"}, nil},
		"a subscription that is there twice":    {`INSERT INTO derived.subscriptions (name, checkpoint) SELECT name, checkpoint - 1 FROM derived.subscriptions WHERE $1::uuid IS NOT NULL`, 4, []string{"checkpoints 1"}, nil},
		"a checkpoint in the future":            {`UPDATE derived.subscriptions SET checkpoint = checkpoint + 1000 WHERE $1::uuid IS NOT NULL`, 4, []string{"checkpoints 1"}, nil},
		"a subscription that is gone":           {`DELETE FROM derived.subscriptions WHERE $1::uuid IS NOT NULL`, 4, []string{"checkpoints 1", "user_profiles 7"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			if c.with < 0 {
				h.spoil(t, c.spoil)
			} else {
				h.spoil(t, c.spoil, h.ids[c.with])
			}
			found := h.wrong(t)
			for _, want := range c.want {
				if !slices.Contains(found, want) {
					t.Errorf("found %v, want %v", found, c.want)
				}
			}
			if strings.HasPrefix(c.want[0], "versions") || strings.HasPrefix(c.want[0], "streams") || c.want[0] == "positions 1" {
				return // what a replay of such a log makes is no help
			}
			if len(found) != len(c.want) {
				t.Errorf("found %v, want %v", found, c.want)
			}
			report, err := verify.Check(t.Context(), h.pool, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := verify.Repair(t.Context(), report, h.rebuilds, func(context.Context) (*pgx.Conn, error) { return h.operator(t), nil }); err != nil {
				t.Fatal(err)
			}
			if remain := h.wrong(t); !slices.Equal(remain, c.remain) {
				t.Errorf("after the repair: %v, want %v", remain, c.remain)
			}
		})
	}
}

// Writers go on, and are not taken for faults.
func TestCheckBesideWriters(t *testing.T) {
	h := open(t)
	stop := make(chan struct{})
	var busy sync.WaitGroup
	for n := range 3 {
		busy.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				email, err := domain.ParseEmail(fmt.Sprintf("user%d-%d@example.com", n, i))
				if err != nil {
					t.Error(err)
				}
				h.must(t, h.ids[n], domain.ChangeEmail{Email: email})
				h.post(t, h.ids[n])
			}
		})
	}
	for range 5 {
		if wrong := h.wrong(t); wrong != nil {
			t.Errorf("found %v", wrong)
		}
	}
	close(stop)
	busy.Wait()
}

// Users that this build cannot replay are left out and counted.
func TestUnreadableUsers(t *testing.T) {
	h := open(t)
	_, err := h.log.Append(t.Context(), eventstore.Command{StreamType: domain.StreamType, StreamID: h.ids[0], ExpectedVersion: 9, Events: []eventstore.Event{
		{ID: uuid.Must(uuid.NewV7()), Type: "UserMoved", SchemaVersion: 1, Data: []byte(`{}`)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	h.caughtUp(t)
	report, err := verify.Check(t.Context(), h.pool, nil)
	if err != nil || !report.Right() || report.Unreadable != 1 {
		t.Errorf("%+v, %v", report, err)
	}
}

// A rebuild that ends while it is being looked is no difference: it waits with its switch.
func TestNothingIsWrongBesideARebuild(t *testing.T) {
	h := open(t)
	done := make(chan error, 1)
	begin := sync.OnceFunc(func() {
		h.must(t, h.ids[0], domain.GrantRole{Role: "another"})
		h.caughtUp(t)
		go func() { done <- h.rebuilds.Rebuild(t.Context(), projections.Subscription) }()
		<-time.After(3 * time.Second) // enough for all of it, if nothing were in the way
	})
	report, err := verify.Check(t.Context(), h.pool, func(string, int64, int64) { begin() })
	if err != nil || !report.Right() {
		t.Errorf("%+v, %v", report, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSampleFindsDrift(t *testing.T) {
	h := open(t)
	sample := func() (drifted int) {
		for range 300 {
			_, wrong, ok, err := h.profiles.Drifted(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if ok && wrong {
				drifted++
			}
		}
		return drifted
	}
	if n := sample(); n != 0 {
		t.Errorf("%d of a right projection drifted", n)
	}
	h.spoil(t, `UPDATE derived.user_profiles SET display_name = 'Somebody else' WHERE user_id = $1`, h.ids[0])
	h.spoil(t, `DELETE FROM derived.user_profiles WHERE user_id = $1`, h.ids[1])
	h.spoil(t, `UPDATE derived.user_profiles SET post_count = 7 WHERE user_id = $1`, h.ids[2])
	if n := sample(); n == 0 || n == 300 {
		t.Errorf("%d drifted", n)
	}
}
