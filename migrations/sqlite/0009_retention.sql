-- The end of the data's life: what asks for it early, what suspends it, the list that the archives stamp, and what was destroyed.
CREATE TABLE removals (
  id BLOB PRIMARY KEY,
  convention TEXT NOT NULL,
  site TEXT NOT NULL,
  reason TEXT NOT NULL,
  asked_at TEXT NOT NULL,
  asked_by BLOB NOT NULL REFERENCES accounts (id),
  granted INTEGER,
  answer TEXT,
  answered_at TEXT,
  answered_by BLOB REFERENCES accounts (id)
) STRICT;
-- A site asks once at a time; what was refused may be asked again.
CREATE UNIQUE INDEX removals_open ON removals (convention, site) WHERE answered_at IS NULL OR granted;

CREATE TABLE holds (
  id BLOB PRIMARY KEY,
  convention TEXT NOT NULL,
  site TEXT,
  reason TEXT NOT NULL,
  placed_at TEXT NOT NULL,
  placed_by BLOB NOT NULL REFERENCES accounts (id),
  lifted_reason TEXT,
  lifted_at TEXT,
  lifted_by BLOB REFERENCES accounts (id)
) STRICT;
CREATE INDEX holds_convention ON holds (convention);

CREATE TABLE purges (
  id BLOB PRIMARY KEY,
  number TEXT NOT NULL UNIQUE,
  convention TEXT NOT NULL,
  site TEXT,
  removal_id BLOB REFERENCES removals (id),
  state TEXT NOT NULL,
  due_on TEXT NOT NULL,
  list_sha256 TEXT NOT NULL,
  made_at TEXT NOT NULL,
  visa_reference TEXT,
  visa_name TEXT,
  visa_on TEXT,
  visa_key TEXT,
  decided_at TEXT,
  decided_by BLOB REFERENCES accounts (id),
  refusal TEXT,
  package_sha256 TEXT,
  done_at TEXT
) STRICT;
-- One list at a time for a convention, or for one of its sites.
CREATE UNIQUE INDEX purges_open ON purges (convention, (COALESCE(site, ''))) WHERE state <> 'done';

CREATE TABLE purge_items (
  purge_id BLOB NOT NULL REFERENCES purges (id),
  position INTEGER NOT NULL,
  deposit_id BLOB NOT NULL REFERENCES deposits (id),
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  shared INTEGER,
  destroyed_at TEXT,
  PRIMARY KEY (purge_id, position)
) STRICT;
CREATE INDEX purge_items_key ON purge_items (key);
