DROP SCHEMA eventlog CASCADE; -- the roles stay: other databases of the cluster may use them
