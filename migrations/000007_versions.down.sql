DROP TABLE derived.user_versions;
ALTER TABLE derived.user_profiles DROP COLUMN search_position;
