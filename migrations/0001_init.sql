-- The cache of one project. Every row but `changes`, `operations` and the texts only they name can
-- be found again from the files and the remote.

-- The one row of counters: `rev` counts commits, `cursor` is the pull cursor, `team` is the team of
-- which project it counts in, once that is known.
CREATE TABLE meta (
  one    INTEGER PRIMARY KEY CHECK (one = 1),
  rev    INTEGER NOT NULL CHECK (rev >= 0),
  cursor INTEGER NOT NULL CHECK (cursor >= 0),
  team   TEXT
) STRICT;

INSERT INTO meta (one, rev, cursor) VALUES (1, 0, 0);

-- Every content once, by the SHA-256 of its UTF-8 bytes. Not WITHOUT ROWID: long texts would fill
-- the tree that is searched.
CREATE TABLE blobs (
  hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
  text TEXT NOT NULL
) STRICT;

-- The triple of every artifact. Hashes may name a content the cache never had, so they are no
-- foreign keys. `remote_version` is NULL while the remote never had the artifact; `remote_hash` is
-- NULL for a tombstone.
CREATE TABLE artifacts (
  kind               TEXT NOT NULL,
  id                 TEXT NOT NULL,
  path               TEXT NOT NULL,
  title              TEXT,
  state              TEXT,
  base_hash          BLOB CHECK (length(base_hash) = 32),
  base_version       INTEGER NOT NULL,
  base_path          TEXT,
  local_hash         BLOB CHECK (length(local_hash) = 32),
  remote_version     INTEGER,
  remote_hash        BLOB CHECK (length(remote_hash) = 32),
  remote_seq         INTEGER,
  remote_path        TEXT,
  remote_author_id   TEXT,
  remote_author_name TEXT,
  remote_at          INTEGER,
  disk_size          INTEGER,
  disk_mtime         INTEGER,
  parked_code        TEXT,
  parked_message     TEXT,
  parked_hash        BLOB CHECK (length(parked_hash) = 32),
  waiting_since      INTEGER,
  rev                INTEGER NOT NULL,
  PRIMARY KEY (kind, id),
  CHECK ((remote_version IS NULL) = (remote_seq IS NULL)),
  CHECK ((disk_size IS NULL) = (disk_mtime IS NULL)),
  CHECK ((parked_code IS NULL) = (parked_message IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX artifacts_by_rev ON artifacts (rev);

-- The outbox (`outcome` is NULL) and what became of every change that left it.
CREATE TABLE changes (
  change_id    BLOB NOT NULL PRIMARY KEY CHECK (length(change_id) = 16),
  kind         TEXT NOT NULL,
  id           TEXT NOT NULL,
  hash         BLOB CHECK (length(hash) = 32),
  base_version INTEGER NOT NULL,
  path         TEXT NOT NULL,
  queued_at    INTEGER NOT NULL,
  outcome      TEXT CHECK (outcome IN ('applied', 'conflict', 'rejected')),
  version      INTEGER,
  seq          INTEGER,
  code         TEXT,
  -- Deferred, because one commit may queue a change before it writes the artifact.
  FOREIGN KEY (kind, id) REFERENCES artifacts (kind, id) DEFERRABLE INITIALLY DEFERRED
) STRICT;

CREATE UNIQUE INDEX changes_open ON changes (kind, id) WHERE outcome IS NULL;

-- Why each triple moved, from what to what, in the order it happened.
CREATE TABLE operations (
  op             INTEGER PRIMARY KEY,
  at             INTEGER NOT NULL,
  kind           TEXT NOT NULL,
  id             TEXT NOT NULL,
  cause          TEXT NOT NULL,
  before_base    BLOB CHECK (length(before_base) = 32),
  before_local   BLOB CHECK (length(before_local) = 32),
  before_remote  BLOB CHECK (length(before_remote) = 32),
  after_base     BLOB CHECK (length(after_base) = 32),
  after_local    BLOB CHECK (length(after_local) = 32),
  after_remote   BLOB CHECK (length(after_remote) = 32),
  remote_version INTEGER NOT NULL,
  author_id      TEXT,
  author_name    TEXT,
  CHECK ((author_id IS NULL) = (author_name IS NULL))
) STRICT;

CREATE INDEX operations_by_artifact ON operations (kind, id);

-- What each process has open in an editor. An open file need not be an artifact yet.
CREATE TABLE open_documents (
  holder TEXT NOT NULL,
  kind   TEXT NOT NULL,
  id     TEXT NOT NULL,
  until  INTEGER NOT NULL,
  PRIMARY KEY (holder, kind, id)
) STRICT, WITHOUT ROWID;
