//! What the team's server lets this person do, as far as it is known: the lifecycle table and one's
//! role. Fetched while the server answers, kept in the cache for when it does not.

use agent_cache::Cache;
use agent_core::id::{ArtifactKey, Kind};
use agent_core::lifecycle::{Lifecycle, Move, Role, Table};
use agent_core::ports::{RemoteError, StoreError};

use crate::remote::AnyRemote;

const LIFECYCLE: &str = "lifecycle";
const ROLE: &str = "role/";
const IDS: &str = "id/";

/// The rules, as they were known last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// The team's states; `None` while never heard of.
    pub lifecycle: Option<Lifecycle>,
    /// One's own role; `None` while never heard of, or nobody is signed in.
    pub role: Option<Role>,
}

impl Rules {
    /// The states of a kind, if the team has rules for it.
    pub fn table(&self, kind: &Kind) -> Option<&Table> {
        self.lifecycle.as_ref()?.of(kind)
    }

    /// The states that may follow for the person at this machine; while their role is not known, for
    /// an editor.
    pub fn may_follow(&self, kind: &Kind, from: Option<&str>) -> Vec<Move<'_>> {
        let role = self.role.unwrap_or(Role::Editor);
        self.table(kind).map_or_else(Vec::new, |table| table.may_follow(from, role))
    }
}

/// What the server answered.
#[derive(Debug, Clone)]
pub struct Fetched {
    lifecycle: String,
    role: Option<Role>,
}

/// Asks the server for the rules.
///
/// # Errors
/// What it says; the rules known so far still hold.
pub async fn fetch(remote: &AnyRemote) -> Result<Fetched, RemoteError> {
    let remote = remote.get()?;
    Ok(Fetched { lifecycle: remote.lifecycle().await?, role: remote.role().await? })
}

/// Keeps what the server answered. `user` is who is signed in.
///
/// # Errors
/// What the cache says.
pub fn keep(cache: &mut Cache, fetched: &Fetched, user: &str) -> Result<(), StoreError> {
    cache.remember(LIFECYCLE, &fetched.lifecycle)?;
    cache.remember(&format!("{ROLE}{user}"), fetched.role.map_or("", Role::as_str))
}

/// The rules as they are kept. What an older or newer program kept and this one cannot read is not
/// known.
///
/// # Errors
/// What the cache says.
pub fn kept(cache: &Cache, user: Option<&str>) -> Result<Rules, StoreError> {
    let lifecycle = cache.remembered(LIFECYCLE)?;
    let role = user.map(|user| cache.remembered(&format!("{ROLE}{user}"))).transpose()?.flatten();
    Ok(Rules {
        lifecycle: lifecycle.and_then(|text| agent_remote::lifecycle(&text).ok()),
        role: role.and_then(|word| Role::named(&word)),
    })
}

/// Remembers which id takes a provisional one's place, before anything is changed: done again after
/// a crash, it is the same. Answers the id that does: another process may have been first, and the
/// one given out here stays unused.
///
/// # Errors
/// What the cache says.
pub fn keep_id(cache: &mut Cache, provisional: &ArtifactKey, id: &str) -> Result<String, StoreError> {
    cache.remember_first(&format!("{IDS}{provisional}"), id)
}

/// The id that takes a provisional one's place, if one was given out.
///
/// # Errors
/// What the cache says.
pub fn kept_id(cache: &Cache, provisional: &ArtifactKey) -> Result<Option<String>, StoreError> {
    cache.remembered(&format!("{IDS}{provisional}"))
}
