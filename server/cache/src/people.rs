//! What the processes on one workspace tell each other of presence: where each is in its open documents,
//! and who else is there, as the one on the team's channel heard it. No revision is made of either. What
//! is told and shown of it is the engine's business.

use agent_core::id::{ArtifactKey, Timestamp};
use agent_core::ports::{Holder, StoreError};
use agent_core::presence::{Person, SectionName, Spot};
use rusqlite::{Row, TransactionBehavior, params};

use crate::Cache;
use crate::error::Fault;
use crate::row;

/// An open artifact, the section somebody was in last, and when.
pub type Seen = (ArtifactKey, SectionName, Timestamp);

impl Cache {
    /// Replaces where a process was in its open documents.
    ///
    /// # Errors
    /// As any commit.
    pub fn set_seen(&mut self, holder: &Holder, seen: &[Seen]) -> Result<(), StoreError> {
        self.check_in_place()?;
        let written = self.write_seen(holder, seen);
        written.map_err(|error| Fault::from(error).at(self.name()))
    }

    fn write_seen(&mut self, holder: &Holder, seen: &[Seen]) -> rusqlite::Result<()> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.prepare_cached("DELETE FROM seen_in WHERE holder = ?1")?.execute([&holder.0])?;
        for (key, section, at) in seen {
            tx.prepare_cached(
                "INSERT INTO seen_in (holder, kind, id, title, nth, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                holder.0,
                key.kind.as_str(),
                key.id.as_str(),
                section.title,
                section.nth,
                at.0
            ])?;
        }
        tx.commit()
    }

    /// Where the other processes are in the documents that they have open at `now`.
    ///
    /// # Errors
    /// As any read.
    pub fn seen_elsewhere(&self, holder: &Holder, now: Timestamp) -> Result<Vec<Seen>, StoreError> {
        let read = || -> rusqlite::Result<Vec<Seen>> {
            let mut statement = self.conn.prepare_cached(
                "SELECT kind, id, title, nth, at FROM seen_in JOIN open_documents USING (holder, kind, id) \
                 WHERE holder <> ?1 AND until > ?2",
            )?;
            let seen = |row: &Row<'_>| {
                let section = SectionName { title: row.get(2)?, nth: row.get(3)? };
                Ok((row::key(row)?, section, Timestamp(row.get(4)?)))
            };
            statement.query_map(params![holder.0, now.0], seen)?.collect()
        };
        read().map_err(|error| Fault::from(error).at(self.name()))
    }

    /// Replaces who else is there.
    ///
    /// # Errors
    /// As any commit.
    pub fn set_people(&mut self, people: &[Person]) -> Result<(), StoreError> {
        self.check_in_place()?;
        self.write_people(people).map_err(|error| Fault::from(error).at(self.name()))
    }

    fn write_people(&mut self, people: &[Person]) -> rusqlite::Result<()> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute("DELETE FROM people", [])?;
        for (number, person) in (0_i64..).zip(people) {
            for spot in &person.spots {
                let section = spot.section.as_ref();
                tx.prepare_cached(
                    "INSERT INTO people (person, user, name, kind, id, title, nth) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![
                    number,
                    person.user,
                    person.name,
                    spot.key.kind.as_str(),
                    spot.key.id.as_str(),
                    section.map(|section| &section.title),
                    section.map_or(0, |section| section.nth),
                ])?;
            }
        }
        tx.commit()
    }

    /// Who else is there, as whichever process is on the channel heard it last. Whoever has nothing open
    /// is not kept.
    ///
    /// # Errors
    /// As any read.
    pub fn people(&self) -> Result<Vec<Person>, StoreError> {
        self.read_people().map_err(|error| Fault::from(error).at(self.name()))
    }

    fn read_people(&self) -> rusqlite::Result<Vec<Person>> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT kind, id, title, nth, person, user, name FROM people ORDER BY place")?;
        let mut rows = statement.query([])?;
        let (mut people, mut last): (Vec<Person>, Option<i64>) = (Vec::new(), None);
        while let Some(row) = rows.next()? {
            let (title, nth): (Option<String>, u32) = (row.get(2)?, row.get(3)?);
            let section = title.map(|title| SectionName { title, nth });
            let spot = Spot { key: row::key(row)?, section };
            let number: i64 = row.get(4)?;
            match people.last_mut().filter(|_| last == Some(number)) {
                Some(person) => person.spots.push(spot),
                None => people.push(Person { user: row.get(5)?, name: row.get(6)?, spots: vec![spot] }),
            }
            last = Some(number);
        }
        Ok(people)
    }
}
