// Package torture is the fault suite: it starts the service as its users do, as a process beside a
// PostgreSQL, does to both what goes wrong in the worst of nights, and checks what the service promises.
//
// It looks from the outside. Requests go over HTTP, and what became of them is read from the database, as its
// superuser, and judged by a model of a user that is made from the documentation alone. Nothing of the
// service's own code takes part in a verdict.
//
//   - Each check has a PostgreSQL of its own, which it may kill or freeze. Signals go to no other process
//     than those that the check started.
//   - -torture.profile says how much: short, in a few seconds, for every run of the tests; reduced, in
//     minutes; full, which is what docs/reliability.md reports. Limits of time count in the last two alone:
//     a machine that runs other tests as well keeps none.
//   - -torture.seed repeats the choices of a run, which says its seed. What a machine makes of them differs.
//
// A check that cannot fail proves nothing. With the build tag teeth a safeguard can be taken out of the
// service, by its name, and TestTeeth shows that the check that is there for it then fails.
package torture
