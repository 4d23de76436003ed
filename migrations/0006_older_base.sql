-- An editor holds a text that was made out of this older base, and what it saves will be, too. NULL: none.
ALTER TABLE artifacts ADD COLUMN older_base BLOB CHECK (older_base IS NULL OR length(older_base) = 32);
