-- Events that a subscription's handler failed for, and the later events about the same user, which wait
-- behind them in the order of the log. They are derived too: a rebuild finds out for itself what fails.
SET LOCAL ROLE usersvc_app;

CREATE TABLE derived.dead_letters (
  id              uuid        NOT NULL PRIMARY KEY,
  subscription    text        NOT NULL,
  user_id         uuid        NOT NULL, -- whom the event is about: the queue that it stands in
  position        bigint      NOT NULL, -- the event itself is in the log
  state           text        NOT NULL, -- retrying, dead: the first of its queue · waiting: behind it · skipped: given up
  attempts        integer     NOT NULL DEFAULT 0,
  error           text,                 -- without personal data
  first_failed_at timestamptz,
  last_failed_at  timestamptz,
  next_try_at     timestamptz,          -- of one that is retrying
  skipped_by      text,
  skip_reason     text,
  skipped_at      timestamptz,
  UNIQUE (subscription, position)
);
-- A queue in its order, and whether a user has one.
CREATE INDEX dead_letters_by_user ON derived.dead_letters (subscription, user_id, position) WHERE state <> 'skipped';
-- What is due.
CREATE INDEX dead_letters_by_next_try ON derived.dead_letters (subscription, next_try_at) WHERE state = 'retrying';

-- Users with a queue. Kept by whoever holds the row, so that a relay knows without looking that there are none.
ALTER TABLE derived.subscriptions ADD COLUMN parked bigint NOT NULL DEFAULT 0;

RESET ROLE;
