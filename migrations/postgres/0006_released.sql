-- What was released last to each reader who may not see every value: the tables, and what the next release is compared with.
CREATE TABLE released (
  convention text COLLATE "C" NOT NULL,
  viewer text COLLATE "C" NOT NULL,
  convention_id uuid NOT NULL REFERENCES conventions (id),
  evaluation_id uuid NOT NULL REFERENCES evaluations (id),
  body text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (convention, viewer)
);
