-- Second factors, single-use links, sessions that say where they come from, tokens with a scope, identities of a provider.

-- One per account; it counts once confirmed by a first code. `last_step` is the newest time step accepted: no code is taken twice.
CREATE TABLE factors (
  account_id uuid PRIMARY KEY REFERENCES accounts (id),
  secret text NOT NULL,
  last_step bigint NOT NULL,
  created_at timestamptz NOT NULL,
  confirmed_at timestamptz
);

-- What opens when the second factor is lost, once each.
CREATE TABLE recovery_codes (
  account_id uuid NOT NULL REFERENCES accounts (id),
  sha256 text COLLATE "C" NOT NULL,
  used_at timestamptz,
  PRIMARY KEY (account_id, sha256)
);

-- Secrets that are good once and not for long: an invitation, a forgotten password, a sign-in that waits for its second step.
CREATE TABLE passes (
  sha256 text COLLATE "C" PRIMARY KEY,
  purpose text COLLATE "C" NOT NULL,
  account_id uuid REFERENCES accounts (id),
  detail text NOT NULL,
  tries bigint NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX passes_account ON passes (account_id);
CREATE INDEX passes_expiry ON passes (expires_at);

ALTER TABLE sessions ADD COLUMN second_factor text;
ALTER TABLE sessions ADD COLUMN device text;
ALTER TABLE sessions ADD COLUMN id_token text;

ALTER TABLE tokens ADD COLUMN scope text;
ALTER TABLE tokens ADD COLUMN service boolean NOT NULL DEFAULT FALSE;
ALTER TABLE tokens ADD COLUMN created_by uuid REFERENCES accounts (id);

-- Who an OpenID Connect provider says an account is.
CREATE TABLE identities (
  issuer text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  account_id uuid NOT NULL REFERENCES accounts (id),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_account ON identities (account_id);
