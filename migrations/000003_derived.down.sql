DROP SCHEMA derived CASCADE; -- nothing is lost: all of it can be made again from the log
