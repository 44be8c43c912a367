-- Versions are signed by each party, and a convention may be ended early.
--
-- `imported` is what the versions that are there already are: an administrator entered them as signed outside the hub, and they have been
-- applied to every party since. A signature that nobody gave is not made up for them. It is the default, so that a program of before this
-- migration still enters what it did.
ALTER TABLE conventions ADD COLUMN state text NOT NULL DEFAULT 'imported';
ALTER TABLE conventions ADD COLUMN withdrawn_at timestamptz;
ALTER TABLE conventions ADD COLUMN withdrawn_reason text;

CREATE TABLE signatures (
  id uuid PRIMARY KEY,
  convention_id uuid NOT NULL REFERENCES conventions (id),
  party text COLLATE "C" NOT NULL,
  sha256 text COLLATE "C" NOT NULL,
  account_id uuid REFERENCES accounts (id),
  name text NOT NULL,
  quality text NOT NULL,
  deed_reference text NOT NULL,
  deed_date date NOT NULL,
  signed_at timestamptz NOT NULL,
  means text NOT NULL,
  second_factor text,
  document_key text,
  recorded_by uuid REFERENCES accounts (id),
  UNIQUE (convention_id, party)
);

-- A convention ended before its last day; `ends_on` is its last day now.
CREATE TABLE terminations (
  convention text COLLATE "C" PRIMARY KEY,
  ends_on date NOT NULL,
  reason text NOT NULL,
  created_at timestamptz NOT NULL,
  created_by uuid REFERENCES accounts (id)
);
