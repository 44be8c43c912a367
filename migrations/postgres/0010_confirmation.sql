-- Who looked at what the check took for personal data, and said that it is none.
ALTER TABLE deposits ADD COLUMN confirmed_at timestamptz;
ALTER TABLE deposits ADD COLUMN confirmed_by uuid REFERENCES accounts (id);
