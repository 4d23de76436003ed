-- What history and undo need to know of each operation, and what undoing leaves behind.

-- The commit that wrote it: what one commit did with an artifact is taken back as one.
ALTER TABLE operations ADD COLUMN rev INTEGER;
-- The versions of base and remote before, and of the base after (the remote's is `remote_version`).
-- NULL in older records.
ALTER TABLE operations ADD COLUMN before_base_version INTEGER;
ALTER TABLE operations ADD COLUMN before_remote_version INTEGER;
ALTER TABLE operations ADD COLUMN after_base_version INTEGER;
-- Where the file was moved from and to.
ALTER TABLE operations ADD COLUMN before_path TEXT;
ALTER TABLE operations ADD COLUMN after_path TEXT;
-- Which operation this one took back.
ALTER TABLE operations ADD COLUMN undoes INTEGER;

-- Somebody took back what the program did with the remote's changes: it must not do so again unasked.
ALTER TABLE artifacts ADD COLUMN undone INTEGER NOT NULL DEFAULT 0 CHECK (undone IN (0, 1));

-- When old history was last looked through for what may go; NULL: never.
ALTER TABLE meta ADD COLUMN gc_at INTEGER;

CREATE INDEX changes_by_artifact ON changes (kind, id);
