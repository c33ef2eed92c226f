-- What events of other domains add up to, for users that exist and for those that do not yet.
SET LOCAL ROLE usersvc_app;

CREATE TABLE derived.activity (
  user_id        uuid    NOT NULL,
  position       bigint  NOT NULL, -- of the event after which the user had so many
  post_count     integer NOT NULL,
  follower_count integer NOT NULL,
  PRIMARY KEY (user_id, position) -- the newest row at or before a position
);

RESET ROLE;
SET LOCAL ROLE usersvc_owner;

-- Whether such an event lies between a projection and a position. Events of users are not in it, so
-- that it costs them nothing.
CREATE INDEX events_of_activity ON eventlog.events (position) WHERE stream_type = 'activity';

RESET ROLE;
