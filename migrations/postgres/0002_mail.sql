-- Letters to send by e-mail: kept until delivered, so that a restart loses none.
CREATE TABLE mails (
  id uuid PRIMARY KEY,
  account_id uuid REFERENCES accounts (id),
  address text NOT NULL,
  kind text NOT NULL,
  letter text NOT NULL,
  unique_key text COLLATE "C" UNIQUE,
  created_at timestamptz NOT NULL,
  sent_at timestamptz,
  failed_at timestamptz,
  error text
);
CREATE INDEX mails_created ON mails (created_at);
