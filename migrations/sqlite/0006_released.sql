-- What was released last to each reader who may not see every value: the tables, and what the next release is compared with.
CREATE TABLE released (
  convention TEXT NOT NULL,
  viewer TEXT NOT NULL,
  convention_id BLOB NOT NULL REFERENCES conventions (id),
  evaluation_id BLOB NOT NULL REFERENCES evaluations (id),
  body TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (convention, viewer)
) STRICT;
