-- The same tables as migrations/sqlite/0001_initial.sql, which a test compares: uuid is BLOB there, timestamptz TEXT,
-- bigint and boolean INTEGER. Hashes are lower-case hexadecimal. Text is compared byte by byte, as SQLite does.

CREATE TABLE accounts (
  id uuid PRIMARY KEY,
  email text COLLATE "C" NOT NULL UNIQUE,
  name text NOT NULL,
  role text NOT NULL,
  organisation text COLLATE "C",
  password_hash text,
  created_at timestamptz NOT NULL,
  disabled_at timestamptz
);

CREATE TABLE sessions (
  token_sha256 text PRIMARY KEY,
  account_id uuid NOT NULL REFERENCES accounts (id),
  csrf text NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  last_seen_at timestamptz NOT NULL
);
CREATE INDEX sessions_account ON sessions (account_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE tokens (
  id uuid PRIMARY KEY,
  account_id uuid NOT NULL REFERENCES accounts (id),
  name text NOT NULL,
  sha256 text NOT NULL UNIQUE,
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz
);
CREATE INDEX tokens_account ON tokens (account_id);

CREATE TABLE attempts (
  key text COLLATE "C" NOT NULL,
  window_start timestamptz NOT NULL,
  count bigint NOT NULL,
  PRIMARY KEY (key, window_start)
);

-- Numbers that people read (receipts, versions, snapshots): a row's lock makes each one unique and without holes.
CREATE TABLE counters (
  name text COLLATE "C" PRIMARY KEY,
  value bigint NOT NULL
);

CREATE TABLE conventions (
  id uuid PRIMARY KEY,
  name text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  title text NOT NULL,
  track text NOT NULL,
  document text NOT NULL,
  sha256 text COLLATE "C" NOT NULL,
  starts_on date NOT NULL,
  ends_on date NOT NULL,
  created_at timestamptz NOT NULL,
  created_by uuid REFERENCES accounts (id),
  UNIQUE (name, version)
);
CREATE INDEX conventions_sha256 ON conventions (sha256);

CREATE TABLE deposits (
  id uuid PRIMARY KEY,
  number text COLLATE "C" NOT NULL UNIQUE,
  convention_id uuid NOT NULL REFERENCES conventions (id),
  convention text COLLATE "C" NOT NULL,
  site text COLLATE "C" NOT NULL,
  dataset text COLLATE "C" NOT NULL,
  period text COLLATE "C",
  file_name text NOT NULL,
  bytes bigint NOT NULL,
  sha256 text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL,
  step text,
  progress bigint,
  report text,
  rows bigint,
  original_key text COLLATE "C",
  table_key text COLLATE "C",
  created_at timestamptz NOT NULL,
  created_by uuid NOT NULL REFERENCES accounts (id),
  decided_at timestamptz,
  superseded_by uuid REFERENCES deposits (id) DEFERRABLE INITIALLY DEFERRED,
  reason text
);
CREATE INDEX deposits_slot ON deposits (convention, site, dataset, period);
CREATE INDEX deposits_site ON deposits (site, created_at);
CREATE INDEX deposits_created ON deposits (created_at);
-- At most one current deposit per convention, site, dataset and period.
CREATE UNIQUE INDEX deposits_current ON deposits (convention, site, dataset, (COALESCE(period, ''))) WHERE state = 'accepted';

CREATE TABLE evaluations (
  id uuid PRIMARY KEY,
  convention_id uuid NOT NULL REFERENCES conventions (id),
  convention text COLLATE "C" NOT NULL,
  number bigint NOT NULL,
  is_final boolean NOT NULL,
  inputs_sha256 text NOT NULL,
  body text NOT NULL,
  created_at timestamptz NOT NULL,
  created_by uuid REFERENCES accounts (id),
  UNIQUE (convention, number)
);

CREATE TABLE summaries (
  deposit_sha256 text COLLATE "C" NOT NULL,
  indicator_sha256 text COLLATE "C" NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (deposit_sha256, indicator_sha256)
);

CREATE TABLE rex (
  convention text COLLATE "C" NOT NULL,
  site text COLLATE "C" NOT NULL,
  answers text NOT NULL,
  version bigint NOT NULL,
  updated_at timestamptz NOT NULL,
  updated_by uuid NOT NULL REFERENCES accounts (id),
  submitted_at timestamptz,
  PRIMARY KEY (convention, site)
);

CREATE TABLE jobs (
  id uuid PRIMARY KEY,
  kind text NOT NULL,
  payload text NOT NULL,
  unique_key text COLLATE "C",
  run_at timestamptz NOT NULL,
  attempts bigint NOT NULL,
  max_attempts bigint NOT NULL,
  leased_until timestamptz,
  leased_by text,
  created_at timestamptz NOT NULL,
  finished_at timestamptz,
  failed_at timestamptz,
  error text
);
-- Work that waits for its first run is not asked for twice; work that runs may be asked for again, for it may have read old data.
CREATE UNIQUE INDEX jobs_waiting ON jobs (unique_key) WHERE attempts = 0;
CREATE INDEX jobs_open ON jobs (run_at) WHERE finished_at IS NULL AND failed_at IS NULL;

-- One chain of entries per organisation, '' for the hub's own; audit_heads holds each chain's length and last hash.
CREATE TABLE audit_heads (
  organisation text COLLATE "C" PRIMARY KEY,
  seq bigint NOT NULL,
  hash text NOT NULL
);

CREATE TABLE audit (
  organisation text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  at timestamptz NOT NULL,
  actor text COLLATE "C" NOT NULL,
  act text COLLATE "C" NOT NULL,
  object text COLLATE "C" NOT NULL,
  outcome text COLLATE "C" NOT NULL,
  detail text NOT NULL,
  prev_hash text NOT NULL,
  hash text NOT NULL,
  PRIMARY KEY (organisation, seq)
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_object ON audit (object);
