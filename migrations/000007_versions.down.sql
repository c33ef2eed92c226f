DROP TABLE derived.user_versions;
