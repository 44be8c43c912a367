-- Files that come in piece by piece (tus): what each is for, how far it is, and where its pieces are in the lake.
CREATE TABLE uploads (
  id uuid PRIMARY KEY,
  account_id uuid NOT NULL REFERENCES accounts (id),
  convention text COLLATE "C" NOT NULL,
  site text COLLATE "C" NOT NULL,
  dataset text COLLATE "C" NOT NULL,
  period text COLLATE "C",
  file_name text NOT NULL,
  metadata text NOT NULL,
  length bigint NOT NULL,
  received bigint NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  deposit_id uuid REFERENCES deposits (id)
);
CREATE INDEX uploads_account ON uploads (account_id);
CREATE INDEX uploads_expiry ON uploads (expires_at);

CREATE TABLE upload_parts (
  upload_id uuid NOT NULL REFERENCES uploads (id),
  start bigint NOT NULL,
  bytes bigint NOT NULL,
  key text COLLATE "C" NOT NULL UNIQUE,
  PRIMARY KEY (upload_id, start)
);
