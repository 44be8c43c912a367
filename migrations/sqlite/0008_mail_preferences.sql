-- Which letters a person wants, and how: what has no row comes at once. Those for the weekly digest wait with `weekly`.
CREATE TABLE mail_preferences (
  account_id BLOB NOT NULL REFERENCES accounts (id),
  kind TEXT NOT NULL,
  delivery TEXT NOT NULL,
  PRIMARY KEY (account_id, kind)
) STRICT;

ALTER TABLE mails ADD COLUMN weekly INTEGER NOT NULL DEFAULT 0;
CREATE INDEX mails_waiting ON mails (created_at) WHERE sent_at IS NULL AND failed_at IS NULL;
