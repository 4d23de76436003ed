//! `agent/hunks`: where local and remote disagree, with all three texts and what can be done, for gutters,
//! motions and views of differences (docs/lsp-extensions.md).

use agent_core::merge::{Merge, Region, RegionKind};
use agent_core::text::Encoding;
use serde::{Deserialize, Serialize};
use tower_lsp::jsonrpc::Result;

use super::place_of;
use crate::actions;
use crate::diagnostics::author;
use crate::documents::Snapshot;
use crate::folders::Place;
use crate::hunks::Hunks;
use crate::server::State;
use crate::types::{Command, Range};

/// The request's method.
pub(crate) const HUNKS: &str = "agent/hunks";

/// Of which document.
#[derive(Debug, Deserialize)]
pub(crate) struct HunksParams {
    uri: String,
}

/// The hunks of a document at a version.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HunksAnswer {
    /// The document's; none when it is not open, and the ranges are the file's.
    version: Option<i32>,
    /// The remote's newest.
    remote_version: Option<u64>,
    hunks: Vec<Hunk>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Hunk {
    /// Who changed it: `remote`, `local`, or both: `conflict`.
    kind: String,
    range: Range,
    base: String,
    local: String,
    remote: String,
    author: Option<String>,
    at: Option<i64>,
    actions: Vec<Command>,
}

pub(crate) fn hunks(state: &State, params: &HunksParams) -> Result<HunksAnswer> {
    let (uri, place) = place_of(state, &params.uri)?;
    let encoding = state.client_can().encoding;
    Ok(match state.documents.get(&uri) {
        Some(document) => of_document(&document, encoding),
        None => of_file(&place, encoding),
    })
}

fn of_document(document: &Snapshot, encoding: Encoding) -> HunksAnswer {
    let version = Some(document.version);
    if let Some(hunks) = Hunks::of_document(document) {
        return HunksAnswer { version, ..of(&hunks, Some(document), encoding) };
    }
    let own = Hunks::own(document).map(|hunks| of(&hunks, None, encoding)).unwrap_or_default();
    HunksAnswer { version, ..own }
}

fn of_file(place: &Place, encoding: Encoding) -> HunksAnswer {
    let hunks = place.view().and_then(Hunks::of_file);
    hunks.map(|hunks| of(&hunks, None, encoding)).unwrap_or_default()
}

fn of(hunks: &Hunks, document: Option<&Snapshot>, encoding: Encoding) -> HunksAnswer {
    let version = hunks.view.entry.remote_version().0;
    let regions =
        hunks.merge.iter().flat_map(|merge| merge.regions().iter().enumerate().map(move |r| (merge, r)));
    let all = regions.filter_map(|(merge, (index, region))| {
        let kind = match region.kind {
            RegionKind::Remote => "remote",
            RegionKind::Local => "local",
            RegionKind::Conflict => "conflict",
            RegionKind::Stable | RegionKind::Same => return None,
        };
        let actions = document.map(|document| actions::of_hunk(document, hunks, index, region.kind));
        Some(hunk(hunks, merge, region, kind, actions.unwrap_or_default(), encoding))
    });
    HunksAnswer { version: None, remote_version: (version > 0).then_some(version), hunks: all.collect() }
}

fn hunk(
    hunks: &Hunks,
    merge: &Merge,
    region: &Region,
    kind: &str,
    actions: Vec<Command>,
    encoding: Encoding,
) -> Hunk {
    let remote = hunks.view.entry.remote.as_ref().filter(|_| region.kind != RegionKind::Local);
    Hunk {
        kind: kind.to_owned(),
        range: hunks.range(&region.local, encoding),
        base: merge.base_lines(region.base.clone()).to_owned(),
        local: merge.local_lines(region.local.clone()).to_owned(),
        remote: merge.remote_lines(region.remote.clone()).to_owned(),
        author: remote.map(|_| author(&hunks.view)),
        at: remote.map(|remote| remote.at.0),
        actions,
    }
}
