ALTER TABLE derived.subscriptions DROP COLUMN parked;
DROP TABLE derived.dead_letters;
