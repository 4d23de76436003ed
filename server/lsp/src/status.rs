//! The server's status for status bars: the notification and request `agent/status`
//! (docs/lsp-extensions.md).

use std::path::Path;

use agent_engine::LinkState;
use serde::Serialize;
use tower_lsp::ls_types::notification::Notification;

use crate::folders::{Folder, Folders};
use crate::types::Uri;

/// The request's and the notification's method.
pub(crate) const STATUS: &str = "agent/status";

/// The notification `agent/status`, sent to clients that declare `experimental.agentStatus`.
pub(crate) enum StatusNotification {}

impl Notification for StatusNotification {
    type Params = Status;
    const METHOD: &'static str = STATUS;
}

/// One workspace folder's status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    /// The folder, as an address.
    uri: String,
    /// `in-sync`, `waiting`, `behind`, `conflict`, `offline`, `signed-out`, `broken`.
    state: String,
    /// Whether changes are announced live.
    live: bool,
    /// Whether this process asks the remote, or another one on the same workspace does.
    leads: bool,
    /// Artifacts known.
    artifacts: usize,
    /// Artifacts whose local content waits to be pushed.
    waiting: usize,
    /// Artifacts with a newer remote revision.
    behind: usize,
    /// Artifacts in conflict.
    conflicts: usize,
    /// Artifacts the remote refused.
    refused: usize,
    /// Since when the remote has not answered, in milliseconds since the Unix epoch.
    since: Option<i64>,
    /// What is wrong, for people.
    problem: Option<String>,
}

impl Status {
    /// The status of every folder, also of those that could not be opened.
    pub(crate) fn all(folders: &Folders) -> Vec<Self> {
        let open = folders.all();
        let broken = folders.broken();
        let broken = broken.iter().map(|(root, problem)| Self::broken(root, problem));
        open.iter().map(|folder| Self::of(folder)).chain(broken).collect()
    }

    fn broken(root: &Path, problem: &str) -> Self {
        // As a folder's own address is written: with a slash at the end.
        let uri = Uri::from_file_path(root.join(""));
        Self {
            uri: uri.map_or_else(String::new, |uri| uri.as_str().to_owned()),
            state: "broken".to_owned(),
            live: false,
            leads: false,
            artifacts: 0,
            waiting: 0,
            behind: 0,
            conflicts: 0,
            refused: 0,
            since: None,
            problem: Some(problem.to_owned()),
        }
    }

    pub(crate) fn of(folder: &Folder) -> Self {
        let link = folder.handle.views().link();
        let problem = link.cache_problem.clone();
        Self {
            uri: folder.uri("").map_or_else(String::new, |uri| uri.as_str().to_owned()),
            state: state_of(&link).to_owned(),
            live: link.live,
            leads: link.leads,
            artifacts: link.artifacts,
            waiting: link.waiting,
            behind: link.behind,
            conflicts: link.conflicts,
            refused: link.refused,
            since: link.trouble.as_ref().map(|(since, _)| since.0),
            problem: problem.or_else(|| link.trouble.as_ref().map(|(_, error)| error.to_string())),
        }
    }
}

fn state_of(link: &LinkState) -> &'static str {
    use agent_core::ports::RemoteError::{Forbidden, Incompatible, Misconfigured, SignedOut};
    match &link.trouble {
        _ if link.cache_problem.is_some() => "broken",
        Some((_, SignedOut(_))) => "signed-out",
        Some((_, Misconfigured(_) | Forbidden(_) | Incompatible(_))) => "broken",
        Some(_) => "offline",
        None if link.conflicts + link.refused > 0 => "conflict",
        None if link.behind > 0 => "behind",
        None if link.waiting > 0 => "waiting",
        None => "in-sync",
    }
}
