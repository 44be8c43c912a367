-- Which letters a person wants, and how: what has no row comes at once. Those for the weekly digest wait with `weekly`.
CREATE TABLE mail_preferences (
  account_id uuid NOT NULL REFERENCES accounts (id),
  kind text COLLATE "C" NOT NULL,
  delivery text NOT NULL,
  PRIMARY KEY (account_id, kind)
);

ALTER TABLE mails ADD COLUMN weekly boolean NOT NULL DEFAULT false;
CREATE INDEX mails_waiting ON mails (created_at) WHERE sent_at IS NULL AND failed_at IS NULL;
