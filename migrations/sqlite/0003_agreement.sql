-- Versions are signed by each party, and a convention may be ended early.
--
-- `imported` is what the versions that are there already are: an administrator entered them as signed outside the hub, and they have been
-- applied to every party since. A signature that nobody gave is not made up for them. It is the default, so that a program of before this
-- migration still enters what it did.
ALTER TABLE conventions ADD COLUMN state TEXT NOT NULL DEFAULT 'imported';
ALTER TABLE conventions ADD COLUMN withdrawn_at TEXT;
ALTER TABLE conventions ADD COLUMN withdrawn_reason TEXT;

CREATE TABLE signatures (
  id BLOB PRIMARY KEY,
  convention_id BLOB NOT NULL REFERENCES conventions (id),
  party TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  account_id BLOB REFERENCES accounts (id),
  name TEXT NOT NULL,
  quality TEXT NOT NULL,
  deed_reference TEXT NOT NULL,
  deed_date TEXT NOT NULL,
  signed_at TEXT NOT NULL,
  means TEXT NOT NULL,
  second_factor TEXT,
  document_key TEXT,
  recorded_by BLOB REFERENCES accounts (id),
  UNIQUE (convention_id, party)
) STRICT;

-- A convention ended before its last day; `ends_on` is its last day now.
CREATE TABLE terminations (
  convention TEXT PRIMARY KEY,
  ends_on TEXT NOT NULL,
  reason TEXT NOT NULL,
  created_at TEXT NOT NULL,
  created_by BLOB REFERENCES accounts (id)
) STRICT;
