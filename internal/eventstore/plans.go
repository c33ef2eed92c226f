package eventstore

// KeepPlan goes before a statement, in one transaction and one round trip with it, and has PostgreSQL plan it once a
// connection and then never again. It is for statements that have one good plan whatever their arguments: a look-up
// of a few rows is planned for three times as long as it takes. By itself PostgreSQL plans anew for each array, as
// it takes one of unknown length for ten rows, which is always dearer.
//
// The plan that is kept goes by indexes, even if the tables have a page each when it is made: they will grow.
const KeepPlan = `SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true)`
