-- Letters to send by e-mail: kept until delivered, so that a restart loses none.
CREATE TABLE mails (
  id BLOB PRIMARY KEY,
  account_id BLOB REFERENCES accounts (id),
  address TEXT NOT NULL,
  kind TEXT NOT NULL,
  letter TEXT NOT NULL,
  unique_key TEXT UNIQUE,
  created_at TEXT NOT NULL,
  sent_at TEXT,
  failed_at TEXT,
  error TEXT
) STRICT;
CREATE INDEX mails_created ON mails (created_at);
