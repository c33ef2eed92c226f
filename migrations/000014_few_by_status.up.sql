-- Most users are active. A list of those who are suspended, or deleted, went past all the others until its page was full, which for a
-- million users took longer than anybody waits. Whoever is active has no entry here, so creating and changing users costs nothing more.
SET LOCAL ROLE usersvc_app;

CREATE INDEX user_profiles_by_status ON derived.user_profiles (status, created_at, user_id) WHERE status <> 'active';
CREATE INDEX user_versions_by_status ON derived.user_versions (status, position, until, user_id, created_at) WHERE status <> 'active';

RESET ROLE;
