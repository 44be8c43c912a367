-- Files that come in piece by piece (tus): what each is for, how far it is, and where its pieces are in the lake.
CREATE TABLE uploads (
  id BLOB PRIMARY KEY,
  account_id BLOB NOT NULL REFERENCES accounts (id),
  convention TEXT NOT NULL,
  site TEXT NOT NULL,
  dataset TEXT NOT NULL,
  period TEXT,
  file_name TEXT NOT NULL,
  metadata TEXT NOT NULL,
  length INTEGER NOT NULL,
  received INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  deposit_id BLOB REFERENCES deposits (id)
) STRICT;
CREATE INDEX uploads_account ON uploads (account_id);
CREATE INDEX uploads_expiry ON uploads (expires_at);

CREATE TABLE upload_parts (
  upload_id BLOB NOT NULL REFERENCES uploads (id),
  start INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  key TEXT NOT NULL UNIQUE,
  PRIMARY KEY (upload_id, start)
) STRICT;
