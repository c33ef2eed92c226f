SET LOCAL ROLE usersvc_app;

ALTER TABLE derived.subscriptions
  DROP CONSTRAINT subscriptions_pkey,
  ADD PRIMARY KEY (name),
  SET (fillfactor = 20);

RESET ROLE;
