//! The commands that look back and bring back: `show`, `diff`, `restore`, `undo`, `gc`, and what they
//! share with `log`.

pub(crate) mod diff;
pub(crate) mod gc;
pub(crate) mod restore;
pub(crate) mod show;
pub(crate) mod undo;

use std::sync::Arc;

use agent_core::id::{ArtifactKey, ChangeId, ContentHash, Text, Version};
use agent_core::ports::{
    History as _, OperationQuery, Recorded, Remote as _, RemoteError, RemoteVersion, VersionQuery,
};
use agent_core::sync::Entry;
use agent_core::sync::history::content_of;
use anyhow::{anyhow, bail};

use crate::commands::block_on;
use crate::show::trouble;
use crate::work::Work;

/// As many revisions are asked for at once.
const PAGE: u32 = 500;

/// What happened here with an artifact, or with all, newest first.
pub(crate) fn operations(work: &Work, key: Option<&ArtifactKey>) -> anyhow::Result<Vec<Recorded>> {
    let query = OperationQuery { key: key.cloned(), ..OperationQuery::default() };
    Ok(work.session.engine.store().recorded(&query)?)
}

/// The newest revisions of an artifact that the remote has, at most so many.
pub(crate) fn revisions(
    work: &Work,
    key: &ArtifactKey,
    most: usize,
) -> anyhow::Result<Result<Vec<RemoteVersion>, RemoteError>> {
    block_on(async {
        let mut all: Vec<RemoteVersion> = Vec::new();
        loop {
            let limit = u32::try_from(most.saturating_sub(all.len())).unwrap_or(PAGE).min(PAGE);
            let before = all.last().map(|revision| revision.version);
            if limit == 0 || before.is_some_and(|version| version.0 <= 1) {
                return Ok(all);
            }
            let query = VersionQuery { key: key.clone(), hash: None, before, limit, with_content: false };
            let page = work.session.remote.versions(query).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    })
}

/// A revision's text, and who made it where the remote was asked; the text is `None` for a deletion.
pub(crate) struct Revision {
    pub(crate) text: Option<Text>,
    pub(crate) told: Option<RemoteVersion>,
}

/// A version's text: from the cache, else from the remote.
pub(crate) fn revision(work: &Work, entry: &Entry, version: Version) -> anyhow::Result<Revision> {
    let known = content_of(&operations(work, Some(&entry.key))?, version);
    let stored = |hash: ContentHash| work.text(hash).map(Text::new);
    match known {
        Some(None) => return Ok(Revision { text: None, told: None }),
        Some(Some(hash)) => {
            if let Some(text) = stored(hash) {
                return Ok(Revision { text: Some(text), told: None });
            }
        }
        None => {}
    }
    let query = VersionQuery {
        key: entry.key.clone(),
        hash: None,
        before: Some(Version(version.0.saturating_add(1))),
        limit: 1,
        with_content: true,
    };
    let found = block_on(work.session.remote.versions(query))?.map_err(|error| {
        anyhow!("{}: version {} is not in the cache, and {}", entry.key, version.0, trouble(&error))
    })?;
    match found.into_iter().find(|revision| revision.version == version) {
        Some(told) => Ok(Revision { text: told.content.clone(), told: Some(told) }),
        None => {
            bail!("{}: there is no version {}; agent sync log {} lists them", entry.key, version.0, entry.key)
        }
    }
}

/// The text that a change made, by its id.
pub(crate) fn changed(work: &Work, entry: &Entry, id: ChangeId) -> anyhow::Result<Revision> {
    let own = work.session.engine.store().changes(Some(&entry.key))?;
    if let Some(change) = own.iter().find(|change| change.change_id == id) {
        let Some(hash) = change.hash else { return Ok(Revision { text: None, told: None }) };
        if let Some(text) = work.text(hash) {
            return Ok(Revision { text: Some(Text::new(text)), told: None });
        }
    }
    let all = revisions(work, &entry.key, usize::MAX)?.map_err(|error| {
        anyhow!("{}: change {id} is not in the cache, and {}", entry.key, trouble(&error))
    })?;
    match all.into_iter().find(|revision| revision.change_id == Some(id)) {
        Some(found) => revision(work, entry, found.version),
        None => bail!("{}: no version was made by change {id}", entry.key),
    }
}

/// A content that the cache must have.
pub(crate) fn stored(work: &Work, hash: Option<ContentHash>) -> anyhow::Result<Option<Arc<str>>> {
    let Some(hash) = hash else { return Ok(None) };
    match agent_core::ports::Store::text(work.session.engine.store(), hash)? {
        Some(text) => Ok(Some(text)),
        None => bail!("the cache no longer has the text {hash}"),
    }
}

/// How a content is named in short: enough to tell two apart.
pub(crate) fn brief(hash: Option<&str>) -> &str {
    hash.map_or("nothing", |hash| hash.get(..8).unwrap_or(hash))
}
