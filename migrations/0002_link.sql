-- Since when the remote has not answered, and what it said last, as found out by whichever process
-- asked it last: the others on the workspace ask nothing themselves. No row: it answered, or nobody
-- asked yet.
CREATE TABLE link (
  one    INTEGER PRIMARY KEY CHECK (one = 1),
  since  INTEGER NOT NULL,
  code   TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
