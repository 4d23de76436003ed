//! `agent/history`: what happened to an artifact on this machine, for timelines (docs/lsp-extensions.md).

use agent_core::id::ContentHash;
use agent_core::ports::Recorded;
use agent_engine::Told;
use serde::{Deserialize, Serialize};
use tower_lsp::jsonrpc::Result;

use super::{answered, place_of};
use crate::folders::Place;
use crate::server::State;

/// The request's method.
pub(crate) const HISTORY: &str = "agent/history";

/// Of which document.
#[derive(Debug, Deserialize)]
pub(crate) struct HistoryParams {
    uri: String,
}

/// One thing that happened.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Happened {
    id: u64,
    at: i64,
    cause: String,
    by_hand: bool,
    author: Option<String>,
    before: Content,
    after: Content,
    /// The file's content afterwards is still in the cache.
    restorable: bool,
    /// The operation that it took back.
    undoes: Option<u64>,
    moved_from: Option<String>,
}

/// The file, and the remote's version, before or after.
#[derive(Debug, Serialize, Deserialize)]
struct Content {
    version: Option<u64>,
    content: Option<String>,
}

pub(crate) async fn history(state: &State, params: &HistoryParams) -> Result<Vec<Happened>> {
    let (_, place) = place_of(state, &params.uri)?;
    let told = told(&place).await?;
    Ok(told.operations.iter().map(|one| happened(one, &told)).collect())
}

/// What happened to the artifact, and the texts that are left.
pub(crate) async fn told(place: &Place) -> Result<Told> {
    let (answer, told) = tokio::sync::oneshot::channel();
    place.folder.handle.history(place.key.clone(), move |told| drop(answer.send(told)));
    answered(told).await
}

fn happened(recorded: &Recorded, told: &Told) -> Happened {
    let operation = &recorded.operation;
    let versions = operation.versions;
    let content = |hash: Option<ContentHash>, version: Option<u64>| Content {
        version: version.filter(|version| *version > 0),
        content: hash.map(|hash| hash.to_string()),
    };
    let author = operation.author.as_ref().map(|author| author.name.clone());
    Happened {
        id: recorded.id.0,
        at: operation.at.0,
        cause: operation.cause.as_str().to_owned(),
        by_hand: operation.cause.is_by_hand(),
        author: author.filter(|name| !name.is_empty()),
        before: content(operation.before.local, versions.map(|(before, _)| before.remote.0)),
        after: content(operation.after.local, Some(operation.remote_version.0)),
        restorable: operation.after.local.is_some_and(|hash| told.texts.contains_key(&hash)),
        undoes: operation.undoes.map(|id| id.0),
        moved_from: operation.paths.as_ref().map(|paths| paths.from.as_str().to_owned()),
    }
}
