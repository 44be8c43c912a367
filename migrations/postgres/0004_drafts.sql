-- Conventions being drawn up: what officers write and parties comment before a version is opened for signature.
CREATE TABLE drafts (
  id uuid PRIMARY KEY,
  name text COLLATE "C" NOT NULL,
  title text NOT NULL,
  document text NOT NULL,
  revision bigint NOT NULL,
  state text NOT NULL,
  based_on uuid REFERENCES conventions (id),
  opened_as uuid REFERENCES conventions (id),
  created_at timestamptz NOT NULL,
  created_by uuid NOT NULL REFERENCES accounts (id),
  updated_at timestamptz NOT NULL,
  updated_by uuid NOT NULL REFERENCES accounts (id)
);
CREATE INDEX drafts_state ON drafts (state, updated_at);

-- What a draft was at each of its latest revisions: whoever is told that someone wrote meanwhile sees what.
CREATE TABLE draft_revisions (
  draft_id uuid NOT NULL REFERENCES drafts (id),
  revision bigint NOT NULL,
  document text NOT NULL,
  written_at timestamptz NOT NULL,
  written_by uuid NOT NULL REFERENCES accounts (id),
  PRIMARY KEY (draft_id, revision)
);

CREATE TABLE draft_comments (
  id uuid PRIMARY KEY,
  draft_id uuid NOT NULL REFERENCES drafts (id),
  at timestamptz NOT NULL,
  author uuid NOT NULL REFERENCES accounts (id),
  organisation text COLLATE "C",
  pointer text,
  kind text NOT NULL,
  text text NOT NULL,
  resolved_at timestamptz,
  resolved_by uuid REFERENCES accounts (id)
);
CREATE INDEX draft_comments_draft ON draft_comments (draft_id, at);
