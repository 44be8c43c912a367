-- The same tables as migrations/postgres/0001_initial.sql, which a test compares: uuid is BLOB here, timestamptz TEXT
-- (RFC 3339 in UTC, which sorts as time does), bigint and boolean INTEGER. Hashes are lower-case hexadecimal.

CREATE TABLE accounts (
  id BLOB PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  organisation TEXT,
  password_hash TEXT,
  created_at TEXT NOT NULL,
  disabled_at TEXT
) STRICT;

CREATE TABLE sessions (
  token_sha256 TEXT PRIMARY KEY,
  account_id BLOB NOT NULL REFERENCES accounts (id),
  csrf TEXT NOT NULL,
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  last_seen_at TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_account ON sessions (account_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE tokens (
  id BLOB PRIMARY KEY,
  account_id BLOB NOT NULL REFERENCES accounts (id),
  name TEXT NOT NULL,
  sha256 TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL,
  expires_at TEXT,
  last_used_at TEXT,
  revoked_at TEXT
) STRICT;
CREATE INDEX tokens_account ON tokens (account_id);

CREATE TABLE attempts (
  key TEXT NOT NULL,
  window_start TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (key, window_start)
) STRICT;

-- Numbers that people read (receipts, versions, snapshots): a row's lock makes each one unique and without holes.
CREATE TABLE counters (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT;

CREATE TABLE conventions (
  id BLOB PRIMARY KEY,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  title TEXT NOT NULL,
  track TEXT NOT NULL,
  document TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  starts_on TEXT NOT NULL,
  ends_on TEXT NOT NULL,
  created_at TEXT NOT NULL,
  created_by BLOB REFERENCES accounts (id),
  UNIQUE (name, version)
) STRICT;
CREATE INDEX conventions_sha256 ON conventions (sha256);

CREATE TABLE deposits (
  id BLOB PRIMARY KEY,
  number TEXT NOT NULL UNIQUE,
  convention_id BLOB NOT NULL REFERENCES conventions (id),
  convention TEXT NOT NULL,
  site TEXT NOT NULL,
  dataset TEXT NOT NULL,
  period TEXT,
  file_name TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  state TEXT NOT NULL,
  step TEXT,
  progress INTEGER,
  report TEXT,
  rows INTEGER,
  original_key TEXT,
  table_key TEXT,
  created_at TEXT NOT NULL,
  created_by BLOB NOT NULL REFERENCES accounts (id),
  decided_at TEXT,
  superseded_by BLOB REFERENCES deposits (id) DEFERRABLE INITIALLY DEFERRED,
  reason TEXT
) STRICT;
CREATE INDEX deposits_slot ON deposits (convention, site, dataset, period);
CREATE INDEX deposits_site ON deposits (site, created_at);
CREATE INDEX deposits_created ON deposits (created_at);
-- At most one current deposit per convention, site, dataset and period.
CREATE UNIQUE INDEX deposits_current ON deposits (convention, site, dataset, (COALESCE(period, ''))) WHERE state = 'accepted';

CREATE TABLE evaluations (
  id BLOB PRIMARY KEY,
  convention_id BLOB NOT NULL REFERENCES conventions (id),
  convention TEXT NOT NULL,
  number INTEGER NOT NULL,
  is_final INTEGER NOT NULL,
  inputs_sha256 TEXT NOT NULL,
  body TEXT NOT NULL,
  created_at TEXT NOT NULL,
  created_by BLOB REFERENCES accounts (id),
  UNIQUE (convention, number)
) STRICT;

CREATE TABLE summaries (
  deposit_sha256 TEXT NOT NULL,
  indicator_sha256 TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (deposit_sha256, indicator_sha256)
) STRICT;

CREATE TABLE rex (
  convention TEXT NOT NULL,
  site TEXT NOT NULL,
  answers TEXT NOT NULL,
  version INTEGER NOT NULL,
  updated_at TEXT NOT NULL,
  updated_by BLOB NOT NULL REFERENCES accounts (id),
  submitted_at TEXT,
  PRIMARY KEY (convention, site)
) STRICT;

CREATE TABLE jobs (
  id BLOB PRIMARY KEY,
  kind TEXT NOT NULL,
  payload TEXT NOT NULL,
  unique_key TEXT,
  run_at TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  max_attempts INTEGER NOT NULL,
  leased_until TEXT,
  leased_by TEXT,
  created_at TEXT NOT NULL,
  finished_at TEXT,
  failed_at TEXT,
  error TEXT
) STRICT;
-- Work that waits for its first run is not asked for twice; work that runs may be asked for again, for it may have read old data.
CREATE UNIQUE INDEX jobs_waiting ON jobs (unique_key) WHERE attempts = 0;
CREATE INDEX jobs_open ON jobs (run_at) WHERE finished_at IS NULL AND failed_at IS NULL;

-- One chain of entries per organisation, '' for the hub's own; audit_heads holds each chain's length and last hash.
CREATE TABLE audit_heads (
  organisation TEXT PRIMARY KEY,
  seq INTEGER NOT NULL,
  hash TEXT NOT NULL
) STRICT;

CREATE TABLE audit (
  organisation TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at TEXT NOT NULL,
  actor TEXT NOT NULL,
  act TEXT NOT NULL,
  object TEXT NOT NULL,
  outcome TEXT NOT NULL,
  detail TEXT NOT NULL,
  prev_hash TEXT NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (organisation, seq)
) STRICT;
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_object ON audit (object);
