-- What the team's server said and is good to know while it cannot be asked: its lifecycle table, one's
-- role, which id took a provisional one's place. As text, by name.
CREATE TABLE remembered (
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
