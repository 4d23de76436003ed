-- What the processes on one workspace tell each other of presence, since only one of them is on the
-- team's channel. Neither is a revision: they say nothing about any artifact.

-- Where in its open documents each process was last.
CREATE TABLE seen_in (
  holder TEXT    NOT NULL,
  kind   TEXT    NOT NULL,
  id     TEXT    NOT NULL,
  title  TEXT    NOT NULL,
  nth    INTEGER NOT NULL,
  at     INTEGER NOT NULL,
  PRIMARY KEY (holder, kind, id)
) STRICT, WITHOUT ROWID;

-- Who else is there, as the process on the channel heard it last: a row for each artifact that somebody
-- has open, in the order they came. Without a title: above the first heading, or idle.
CREATE TABLE people (
  place  INTEGER PRIMARY KEY,
  person INTEGER NOT NULL,
  user   TEXT    NOT NULL,
  name   TEXT    NOT NULL,
  kind   TEXT    NOT NULL,
  id     TEXT    NOT NULL,
  title  TEXT,
  nth    INTEGER NOT NULL
) STRICT;
