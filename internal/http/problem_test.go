package httpapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/usersvc/usersvc"
	"github.com/usersvc/usersvc/internal/domain"
	"github.com/usersvc/usersvc/internal/outbox"
	"github.com/usersvc/usersvc/internal/projections"
	"github.com/usersvc/usersvc/internal/users"
)

func TestCodesAreThoseOfTheContract(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(usersvc.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, code := range doc.Components.Schemas["Problem"].Value.Properties["code"].Value.Enum {
		want = append(want, code.(string))
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(kinds))); diff != "" {
		t.Errorf("-contract +here:\n%s", diff)
	}
	for code, k := range kinds {
		if k.title == "" || k.meaning == "" || (k.status == 503 || k.status == 429) && k.retryAfter == 0 {
			t.Errorf("%s: %+v", code, k)
		}
	}
}

func TestRefusals(t *testing.T) {
	wrap := func(err error) error { return fmt.Errorf("read stream: %w", err) }
	for _, row := range []struct {
		err  error
		code string
	}{
		{domain.ErrUserNotFound, "user_not_found"},
		{domain.ErrUserDeleted, "user_deleted"},
		{domain.ErrUserExists, "user_exists"},
		{domain.ErrAlreadySuspended, "already_suspended"},
		{domain.ErrNotSuspended, "not_suspended"},
		{domain.ErrUserSuspended, "user_suspended"},
		{domain.ErrTooManyRoles, "too_many_roles"},
		{domain.ErrEmailTaken, "email_taken"},
		{&domain.Error{Kind: domain.Invalid, Field: "email", Code: "too_long", Message: "Too long."}, "validation_failed"},
		{&users.PreconditionFailed{Current: 3}, "precondition_failed"},
		{&users.VersionConflict{Current: 3}, "version_conflict"},
		{users.ErrKeyReused, "idempotency_key_reused"},
		{users.ErrKeyInFlight, "request_in_flight"},
		{users.ErrNotYetExisting, "not_yet_existing"},
		{users.ErrInFuture, "as_of_in_future"},
		{users.ErrNoSuchVersion, "invalid_parameter"},
		{users.ErrNoSuchPosition, "invalid_parameter"},
		{projections.ErrLagging, "projection_lagging"},
		{outbox.ErrNoSubscription, "projection_not_found"},
		{outbox.ErrUnavailable, "unavailable"},
		{users.ErrUnavailable, "unavailable"},
		{context.DeadlineExceeded, "unavailable"},
		{fmt.Errorf("%w: %w", users.ErrOutcomeUnknown, context.DeadlineExceeded), "outcome_unknown"},
		{fmt.Errorf("%w: %w", users.ErrUnavailable, &domain.UnknownEvent{Type: "UserMerged", Schema: 1}), "unavailable"},
		{errors.New("index out of range"), "internal"},
	} {
		p := refusalOf(wrap(row.err))
		if p.code != row.code || p.detail == "" {
			t.Errorf("%v: %+v, want %s", row.err, p, row.code)
		}
		if _, known := kinds[p.code]; !known {
			t.Errorf("%s has no status", p.code)
		}
	}
}

// Whatever the database says may name tables, statements and people.
func TestNothingOfTheDatabaseIsTold(t *testing.T) {
	refused := &pgconn.PgError{
		Severity: "ERROR", Code: "23505", Message: `duplicate key value violates unique constraint "claims_pkey"`,
		Detail: "Key (key)=(ada@example.com) already exists.", SchemaName: "eventlog", TableName: "claims", ConstraintName: "claims_pkey",
	}
	for _, err := range []error{
		refused,
		fmt.Errorf("append: %w", refused),
		fmt.Errorf("%w: %w", users.ErrUnavailable, refused),
		fmt.Errorf("%w: %w", users.ErrOutcomeUnknown, refused),
		errors.Join(errors.New("panic: runtime error in pgx"), refused),
	} {
		w := httptest.NewRecorder()
		writeProblem(w, "id", refusalOf(err))
		for _, word := range []string{"23505", "claims", "eventlog", "ada@", "duplicate", "pgx", "runtime", "append:", "SQL", "constraint"} {
			if strings.Contains(w.Body.String(), word) {
				t.Errorf("%v: the answer has %q: %s", err, word, w.Body)
			}
		}
	}
}

func TestProblemDocument(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("ETag", `"1.0"`)
	wrong := new(faults)
	wrong.add("email", "required", "email is required.")
	writeProblem(w, "r-1", refusalOf(wrong.err()))
	const want = `{"type":"/problems/validation_failed","title":"Validation failed","status":422,` +
		`"detail":"Some values are missing or break a rule; see errors.","code":"validation_failed","requestId":"r-1",` +
		`"errors":[{"pointer":"#/email","code":"required","detail":"email is required."}]}`
	if diff := cmp.Diff(want, w.Body.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if w.Code != 422 || w.Header().Get("Content-Type") != "application/problem+json" || w.Header().Get("ETag") != "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	w = httptest.NewRecorder()
	writeProblem(w, "r-2", refusalOf(&users.PreconditionFailed{Current: 3}))
	if !strings.Contains(w.Body.String(), `"currentVersion":3`) {
		t.Error(w.Body)
	}
	w = httptest.NewRecorder()
	writeProblem(w, "r-3", refusalOf(users.ErrUnavailable))
	if w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), `"retryAfter":1`) {
		t.Error(w.Header(), w.Body)
	}
}
