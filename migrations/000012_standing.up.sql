-- Where a subscription stands changes many times a second, and is read by each list and each read of a user. While a transaction is
-- open anywhere in the database, as for a backup, PostgreSQL keeps every version of the row since then, and whoever looked it up by
-- its name alone went past all of them: after 55,000 moves a read took seven times as long. In this order the newest one comes first.
SET LOCAL ROLE usersvc_app;

ALTER TABLE derived.subscriptions
  DROP CONSTRAINT subscriptions_pkey,
  ADD PRIMARY KEY (name, checkpoint), -- one row for each name, all the same
  RESET (fillfactor); -- each version has an entry in the index now, wherever it lies

RESET ROLE;
