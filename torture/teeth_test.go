//go:build teeth

package torture

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/usersvc/usersvc/internal/safeguard"
)

// Each safeguard, taken away, has its check fail, and for the reason that it is there for.
func TestTeeth(t *testing.T) {
	for _, tooth := range []struct{ without, check, profile, says string }{
		{safeguard.Durability, "TestKilledDatabase", "reduced", "lost: it was acknowledged"},
		{safeguard.Settlement, "TestLostReplies", "short", "false refusal: it had happened"},
		{safeguard.Tail, "TestLinearizability", "short", "are not linearizable"},
		{safeguard.MinPosition, "TestLinearizability", "short", "a list from position"},
		{safeguard.OneTransaction, "TestKilledService", "short", "in the projection (+) is not what the log says (-)"},
		{safeguard.Drain, "TestStoppedService", "short", "when the end was asked for was answered 0"},
		{safeguard.AppendLock, "TestOpenAppends", "short", "a reader that has seen position"},
		{safeguard.Parking, "TestPoison", "reduced", "an event that is not parked waited"},
		{safeguard.Turns, "TestReplicas", "short", "not once and in order"},
		{safeguard.Versions, "TestPast", "short", "(-model +answer)"},
		{safeguard.Finality, "TestPast", "reduced", "(-model +answer)"},
		{safeguard.OrderOfTimes, "TestClock", "reduced", "was recorded before the one ahead of it"},
		{safeguard.HandOver, "TestRebuild", "reduced", "a rebuild ended: done in its phase switching"},
		{safeguard.Tidying, "TestKilledRebuildAlone", "short", "left behind: [user_versions"},
		{safeguard.Deadlines, "TestFrozenDatabase", "reduced", "the slowest answer"},
	} {
		t.Run(tooth.check+" without "+tooth.without, func(t *testing.T) {
			out := pull(t, tooth.without, tooth.check, tooth.profile)
			if !strings.Contains(out, "--- FAIL: "+tooth.check) || !strings.Contains(out, tooth.says) {
				t.Errorf("the check does not fail with %q:\n%s", tooth.says, out)
			}
		})
	}
}

// pull runs a check in a process of its own, as the safeguard is removed by an environment.
func pull(t *testing.T, without, check, profile string) (output string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+check+"$", "-test.v", "-test.timeout=5m", "-torture.profile="+profile)
	cmd.Env = append(os.Environ(), "USERSVC_TEETH="+without)
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("%s passes", check)
	}
	return string(out)
}
