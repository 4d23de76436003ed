//! `agent/artifacts`: every artifact of every folder, for views that list them (docs/lsp-extensions.md).

use agent_engine::Listed;
use serde::{Deserialize, Serialize};
use tower_lsp::jsonrpc::Result;

use super::answered;
use crate::folders::Folder;
use crate::server::State;

/// The request's method.
pub(crate) const ARTIFACTS: &str = "agent/artifacts";

/// A folder with its artifacts.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FolderArtifacts {
    uri: String,
    artifacts: Vec<Artifact>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    kind: String,
    id: String,
    title: Option<String>,
    state: Option<String>,
    /// The file, if there is one.
    uri: Option<String>,
    path: String,
    status: String,
    /// The newest version known of the remote.
    version: Option<u64>,
    author: Option<String>,
    at: Option<i64>,
    /// Who else has it open.
    people: Vec<String>,
}

pub(crate) async fn artifacts(state: &State) -> Result<Vec<FolderArtifacts>> {
    let mut all = Vec::new();
    for folder in state.folders.all() {
        let (answer, listed) = tokio::sync::oneshot::channel();
        folder.handle.list(move |listed| drop(answer.send(listed)));
        let listed = answered(listed).await?;
        let uri = folder.uri("").map_or_else(String::new, |uri| uri.as_str().to_owned());
        all.push(FolderArtifacts { uri, artifacts: listed.iter().map(|one| of(&folder, one)).collect() });
    }
    Ok(all)
}

fn of(folder: &Folder, listed: &Listed) -> Artifact {
    let people = folder.handle.views().people();
    let has_it =
        |person: &&agent_core::presence::Person| person.spots.iter().any(|spot| spot.key == listed.key);
    let uri = folder.uri(listed.path.as_str()).filter(|_| listed.is_here);
    let (author, at) = listed.made.clone().unzip();
    Artifact {
        kind: listed.key.kind.as_str().to_owned(),
        id: listed.key.id.as_str().to_owned(),
        title: listed.title.clone(),
        state: listed.state.clone(),
        uri: uri.map(|uri| uri.as_str().to_owned()),
        path: listed.path.as_str().to_owned(),
        status: listed.stand.as_str().to_owned(),
        version: (listed.version.0 > 0).then_some(listed.version.0),
        author: author.map(|author| author.name).filter(|name| !name.is_empty()),
        at: at.map(|at| at.0),
        people: people.iter().filter(has_it).map(|person| person.name.clone()).collect(),
    }
}
