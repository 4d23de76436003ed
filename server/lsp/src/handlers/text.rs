//! `agent/text`: one side of an artifact, or an earlier content of it, for views beside the buffer
//! (docs/lsp-extensions.md).

use agent_core::id::{Author, ContentHash, Timestamp, Version};
use agent_core::text::without_bom;
use serde::{Deserialize, Serialize};
use tower_lsp::jsonrpc::{Error, Result};

use super::{answered, failed, place_of};
use crate::folders::Place;
use crate::hunks::Hunks;
use crate::server::State;
use crate::types::Uri;

/// The request's method.
pub(crate) const TEXT: &str = "agent/text";

/// Which text.
#[derive(Debug, Deserialize)]
pub(crate) struct TextParams {
    uri: String,
    side: Option<Side>,
    version: Option<u64>,
    content: Option<String>,
}

/// A side of a three-way merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    /// The last content that was agreed on, as the buffer sees it.
    Base,
    /// The buffer, or the file.
    Local,
    /// The newest content known of the remote.
    Remote,
}

/// The text, and what is known of it.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TextAnswer {
    /// `None` where the artifact is absent on that side.
    pub(crate) text: Option<String>,
    version: Option<u64>,
    author: Option<String>,
    at: Option<i64>,
}

impl TextAnswer {
    /// As an editor has it in a buffer, without a byte order mark.
    fn new(text: Option<&str>, version: Option<Version>, made: Option<(Author, Timestamp)>) -> Self {
        let (author, at) = made.unzip();
        Self {
            text: text.map(|text| without_bom(text).to_owned()),
            version: version.map(|version| version.0).filter(|version| *version > 0),
            author: author.map(|author| author.name).filter(|name| !name.is_empty()),
            at: at.map(|at| at.0),
        }
    }
}

pub(crate) async fn text(state: &State, params: TextParams) -> Result<TextAnswer> {
    let (uri, place) = place_of(state, &params.uri)?;
    match (params.side, params.version, params.content) {
        (Some(side), None, None) => of_side(state, &uri, &place, side).await,
        (None, Some(version), None) => of_version(&place, Version(version)).await,
        (None, None, Some(content)) => of_content(&place, &content).await,
        _ => Err(Error::invalid_params("one of side, version and content is needed")),
    }
}

/// A side, as the buffer sees it where the document is open.
pub(crate) async fn of_side(state: &State, uri: &Uri, place: &Place, side: Side) -> Result<TextAnswer> {
    let document = state.documents.get(uri);
    if let (Some(document), Side::Local) = (&document, side) {
        return Ok(TextAnswer::new(Some(&document.text), None, None));
    }
    let hunks = document.as_ref().and_then(Hunks::of_document);
    let (answer, sides) = tokio::sync::oneshot::channel();
    place.folder.handle.sides(place.key.clone(), move |sides| drop(answer.send(sides)));
    let Some(sides) = answered(sides).await? else {
        return Err(failed(format!("{} is not known here yet", place.key)));
    };
    let entry = &sides.entry;
    let made = |version| {
        let remote = entry.remote.as_ref().filter(|remote| remote.version == version)?;
        Some((remote.author.clone(), remote.at))
    };
    let (text, hash, version) = match side {
        Side::Base => (sides.base, entry.base, entry.base_version),
        Side::Local => (sides.local, entry.local, Version(0)),
        Side::Remote => (sides.remote, entry.remote_hash(), entry.remote_version()),
    };
    // What was decided in the buffer moves its base before it moves that of the file.
    if let (Some(hunks), Side::Base) = (&hunks, side) {
        let moved = hunks.base_hash() != hash.map(|hash| hash.to_string());
        return Ok(TextAnswer::new(hunks.base.as_deref(), (!moved).then_some(version), made(version)));
    }
    if hash.is_some() && text.is_none() {
        return Err(failed("the cache has lost this text; pull again".to_owned()));
    }
    Ok(TextAnswer::new(text.as_deref(), Some(version), made(version)))
}

async fn of_version(place: &Place, version: Version) -> Result<TextAnswer> {
    let (answer, revision) = tokio::sync::oneshot::channel();
    let key = place.key.clone();
    place.folder.handle.revision(key, version, move |revision| drop(answer.send(revision)));
    let revision =
        answered(revision).await?.map_err(|problem| failed(format!("{}: {problem}", place.key)))?;
    Ok(TextAnswer::new(revision.text.as_deref(), Some(version), revision.made))
}

/// A content that the artifact had; nobody reads another artifact's by its hash.
async fn of_content(place: &Place, content: &str) -> Result<TextAnswer> {
    let hash: ContentHash = content.parse().map_err(|_| Error::invalid_params("the content is no hash"))?;
    let told = super::history::told(place).await?;
    let lost = || failed(format!("{}: this content is not on this machine", place.key));
    let text = told.texts.get(&hash).ok_or_else(lost)?;
    Ok(TextAnswer::new(Some(text), None, None))
}
