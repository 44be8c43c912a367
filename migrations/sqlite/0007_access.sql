-- Second factors, single-use links, sessions that say where they come from, tokens with a scope, identities of a provider.

-- One per account; it counts once confirmed by a first code. `last_step` is the newest time step accepted: no code is taken twice.
CREATE TABLE factors (
  account_id BLOB PRIMARY KEY REFERENCES accounts (id),
  secret TEXT NOT NULL,
  last_step INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  confirmed_at TEXT
) STRICT;

-- What opens when the second factor is lost, once each.
CREATE TABLE recovery_codes (
  account_id BLOB NOT NULL REFERENCES accounts (id),
  sha256 TEXT NOT NULL,
  used_at TEXT,
  PRIMARY KEY (account_id, sha256)
) STRICT;

-- Secrets that are good once and not for long: an invitation, a forgotten password, a sign-in that waits for its second step.
CREATE TABLE passes (
  sha256 TEXT PRIMARY KEY,
  purpose TEXT NOT NULL,
  account_id BLOB REFERENCES accounts (id),
  detail TEXT NOT NULL,
  tries INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL
) STRICT;
CREATE INDEX passes_account ON passes (account_id);
CREATE INDEX passes_expiry ON passes (expires_at);

ALTER TABLE sessions ADD COLUMN second_factor TEXT;
ALTER TABLE sessions ADD COLUMN device TEXT;
ALTER TABLE sessions ADD COLUMN id_token TEXT;

ALTER TABLE tokens ADD COLUMN scope TEXT;
ALTER TABLE tokens ADD COLUMN service INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tokens ADD COLUMN created_by BLOB REFERENCES accounts (id);

-- Who an OpenID Connect provider says an account is.
CREATE TABLE identities (
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  account_id BLOB NOT NULL REFERENCES accounts (id),
  created_at TEXT NOT NULL,
  PRIMARY KEY (issuer, subject)
) STRICT;
CREATE INDEX identities_account ON identities (account_id);
