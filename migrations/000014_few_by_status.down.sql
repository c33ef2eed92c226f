SET LOCAL ROLE usersvc_app;

DROP INDEX derived.user_profiles_by_status;
DROP INDEX derived.user_versions_by_status;

RESET ROLE;
