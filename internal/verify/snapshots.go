package verify

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// kept are the snapshots that there are, read piece by piece in the order of the replay: a replay makes
// those and no others.
type kept struct {
	ctx  context.Context //nolint:containedctx // of the check
	tx   pgx.Tx
	next []place
	end  bool
	err  error // of reading: nothing is kept from there on
}

type place struct {
	User    uuid.UUID
	Version int
}

const declareKept = `
DECLARE kept CURSOR FOR SELECT DISTINCT stream_id, version, stream_id::text COLLATE "C" AS key FROM derived.snapshots ORDER BY key, version`

func (c *checking) snapshots(ctx context.Context) (*kept, error) {
	_, err := c.tx.Exec(ctx, declareKept)
	return &kept{ctx: ctx, tx: c.tx}, err
}

// A replay makes all snapshots that there are of this build's schema, at whatever versions, but for those behind the end of their
// stream, as when a log was restored that ends earlier. Such a one would be the newest, and its user locked for ever.
const selectNeverMade = `
SELECT DISTINCT l.stream_id FROM derived.snapshots l
WHERE l.schema = %d AND NOT EXISTS (SELECT FROM pg_temp.snapshots made WHERE made.stream_id = l.stream_id AND made.version = l.version)
LIMIT %d`

// has is asked about users and their versions in the order of the replay.
func (k *kept) has(user uuid.UUID, version int) bool {
	for {
		if len(k.next) == 0 && (k.end || !k.fetch()) {
			return false
		}
		switch at := k.next[0]; {
		case at.User == user && at.Version == version:
			return true
		case at.User == user && at.Version > version, strings.Compare(at.User.String(), user.String()) > 0:
			return false
		}
		k.next = k.next[1:]
	}
}

func (k *kept) fetch() bool {
	rows, _ := k.tx.Query(k.ctx, "FETCH 5000 FROM kept")
	k.next, k.err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p place, err error) {
		var key string
		err = row.Scan(&p.User, &p.Version, &key)
		return p, err
	})
	k.end = len(k.next) == 0
	return !k.end
}
