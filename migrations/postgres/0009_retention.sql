-- The end of the data's life: what asks for it early, what suspends it, the list that the archives stamp, and what was destroyed.
CREATE TABLE removals (
  id uuid PRIMARY KEY,
  convention text COLLATE "C" NOT NULL,
  site text COLLATE "C" NOT NULL,
  reason text NOT NULL,
  asked_at timestamptz NOT NULL,
  asked_by uuid NOT NULL REFERENCES accounts (id),
  granted boolean,
  answer text,
  answered_at timestamptz,
  answered_by uuid REFERENCES accounts (id)
);
-- A site asks once at a time; what was refused may be asked again.
CREATE UNIQUE INDEX removals_open ON removals (convention, site) WHERE answered_at IS NULL OR granted;

CREATE TABLE holds (
  id uuid PRIMARY KEY,
  convention text COLLATE "C" NOT NULL,
  site text COLLATE "C",
  reason text NOT NULL,
  placed_at timestamptz NOT NULL,
  placed_by uuid NOT NULL REFERENCES accounts (id),
  lifted_reason text,
  lifted_at timestamptz,
  lifted_by uuid REFERENCES accounts (id)
);
CREATE INDEX holds_convention ON holds (convention);

CREATE TABLE purges (
  id uuid PRIMARY KEY,
  number text COLLATE "C" NOT NULL UNIQUE,
  convention text COLLATE "C" NOT NULL,
  site text COLLATE "C",
  removal_id uuid REFERENCES removals (id),
  state text COLLATE "C" NOT NULL,
  due_on date NOT NULL,
  list_sha256 text COLLATE "C" NOT NULL,
  made_at timestamptz NOT NULL,
  visa_reference text,
  visa_name text,
  visa_on date,
  visa_key text COLLATE "C",
  decided_at timestamptz,
  decided_by uuid REFERENCES accounts (id),
  refusal text,
  package_sha256 text COLLATE "C",
  done_at timestamptz
);
-- One list at a time for a convention, or for one of its sites.
CREATE UNIQUE INDEX purges_open ON purges (convention, (COALESCE(site, ''))) WHERE state <> 'done';

CREATE TABLE purge_items (
  purge_id uuid NOT NULL REFERENCES purges (id),
  position bigint NOT NULL,
  deposit_id uuid NOT NULL REFERENCES deposits (id),
  kind text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  bytes bigint NOT NULL,
  sha256 text COLLATE "C" NOT NULL,
  shared boolean,
  destroyed_at timestamptz,
  PRIMARY KEY (purge_id, position)
);
CREATE INDEX purge_items_key ON purge_items (key);
