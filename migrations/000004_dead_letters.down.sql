DROP TABLE derived.dead_letters;
