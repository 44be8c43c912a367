-- Conventions being drawn up: what officers write and parties comment before a version is opened for signature.
CREATE TABLE drafts (
  id BLOB PRIMARY KEY,
  name TEXT NOT NULL,
  title TEXT NOT NULL,
  document TEXT NOT NULL,
  revision INTEGER NOT NULL,
  state TEXT NOT NULL,
  based_on BLOB REFERENCES conventions (id),
  opened_as BLOB REFERENCES conventions (id),
  created_at TEXT NOT NULL,
  created_by BLOB NOT NULL REFERENCES accounts (id),
  updated_at TEXT NOT NULL,
  updated_by BLOB NOT NULL REFERENCES accounts (id)
) STRICT;
CREATE INDEX drafts_state ON drafts (state, updated_at);

-- What a draft was at each of its latest revisions: whoever is told that someone wrote meanwhile sees what.
CREATE TABLE draft_revisions (
  draft_id BLOB NOT NULL REFERENCES drafts (id),
  revision INTEGER NOT NULL,
  document TEXT NOT NULL,
  written_at TEXT NOT NULL,
  written_by BLOB NOT NULL REFERENCES accounts (id),
  PRIMARY KEY (draft_id, revision)
) STRICT;

CREATE TABLE draft_comments (
  id BLOB PRIMARY KEY,
  draft_id BLOB NOT NULL REFERENCES drafts (id),
  at TEXT NOT NULL,
  author BLOB NOT NULL REFERENCES accounts (id),
  organisation TEXT,
  pointer TEXT,
  kind TEXT NOT NULL,
  text TEXT NOT NULL,
  resolved_at TEXT,
  resolved_by BLOB REFERENCES accounts (id)
) STRICT;
CREATE INDEX draft_comments_draft ON draft_comments (draft_id, at);
