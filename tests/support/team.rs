//! People, their team, and what the remote holds of it, asked for apart from everything under test.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::backend::Backend;

/// Everybody's password; the accounts live in a throw-away database.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Somebody with an account.
#[derive(Debug, Clone)]
pub struct User {
    /// Their address.
    pub email: String,
    pub(crate) token: String,
}

impl User {
    /// Their password.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }
}

/// An artifact as the remote has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteArtifact {
    /// Its newest version.
    pub version: u64,
    /// Its content; `None` when it is deleted.
    pub content: Option<String>,
    /// Who made the version.
    pub author: String,
}

/// A team on a backend, seen by one of its members.
#[derive(Debug, Clone)]
pub struct Team {
    /// Where it is.
    pub backend: Arc<Backend>,
    /// Its id.
    pub id: String,
    observer: User,
    looks: Arc<AtomicU64>,
}

impl Team {
    /// Makes a team; `admin` is in it.
    ///
    /// # Errors
    /// What the backend answers.
    pub fn create(backend: &Arc<Backend>, admin: &User) -> Result<Self> {
        let id = backend.rpc(admin, "create_team", &json!({ "name": "The team" }))?;
        let id = id.as_str().context("create_team gave no id")?.to_owned();
        Ok(Self::known(backend, admin, id))
    }

    /// A team that exists.
    pub fn known(backend: &Arc<Backend>, observer: &User, id: String) -> Self {
        Self { backend: Arc::clone(backend), id, observer: observer.clone(), looks: Arc::default() }
    }

    /// Invites somebody, who accepts.
    ///
    /// # Errors
    /// What the backend answers.
    pub fn add(&self, who: &User, role: &str) -> Result<()> {
        let arguments = json!({ "team": self.id, "email": who.email, "role": role });
        let invited = self.backend.rpc(&self.observer, "invite_member", &arguments)?;
        let arguments = json!({ "invitation": invited["invitation"] });
        self.backend.rpc(who, "accept_invitation", &arguments).map(drop)
    }

    /// Changes a member's role.
    ///
    /// # Errors
    /// What the backend answers.
    pub fn set_role(&self, who: &User, role: &str) -> Result<()> {
        self.about(who, "set_member_role", json!({ "role": role })).map(drop)
    }

    /// Ends somebody's membership.
    ///
    /// # Errors
    /// What the backend answers.
    pub fn remove(&self, who: &User) -> Result<()> {
        self.about(who, "remove_team_member", json!({})).map(drop)
    }

    /// Erases somebody, whose texts stay; the name they have from then on.
    ///
    /// # Errors
    /// What the backend answers.
    pub fn erase(&self, who: &User) -> Result<String> {
        let answer = self.about(who, "erase_author", json!({ "texts": "keep" }))?;
        Ok(answer["name"].as_str().context("no name of who was erased")?.to_owned())
    }

    fn about(&self, who: &User, function: &str, mut arguments: Value) -> Result<Value> {
        let account = self.backend.call("/auth/v1/user", Some(who), None)?;
        arguments["team"] = json!(self.id);
        arguments["member"] = account["id"].clone();
        self.backend.rpc(&self.observer, function, &arguments)
    }

    /// How many of the backend's `pull_artifacts` were asked from here.
    pub fn looks(&self) -> u64 {
        self.looks.load(Ordering::Relaxed)
    }

    /// Everything the remote holds, by path.
    ///
    /// # Errors
    /// What the backend answers.
    pub fn artifacts(&self) -> Result<BTreeMap<String, RemoteArtifact>> {
        let mut all = BTreeMap::new();
        let mut after = 0;
        loop {
            let arguments = json!({ "team": self.id, "after_seq": after });
            self.looks.fetch_add(1, Ordering::Relaxed);
            let page = self.backend.rpc(&self.observer, "pull_artifacts", &arguments)?;
            for row in page["rows"].as_array().into_iter().flatten() {
                after = row["seq"].as_u64().context("a row without seq")?;
                let path = row["path"].as_str().context("a row without path")?;
                all.insert(path.to_owned(), artifact(row));
            }
            if page["more"] != true {
                return Ok(all);
            }
        }
    }

    /// One artifact by its path.
    ///
    /// # Errors
    /// What the backend answers, and when there is none.
    pub fn artifact(&self, path: &str) -> Result<RemoteArtifact> {
        let mut all = self.artifacts()?;
        all.remove(path).with_context(|| format!("the remote has no {path}"))
    }

    /// Fails unless the remote holds exactly this under the path.
    ///
    /// # Errors
    /// Then, and says what it holds.
    pub fn expect(&self, path: &str, content: &str) -> Result<RemoteArtifact> {
        let found = self.artifact(path)?;
        match found.content.as_deref() == Some(content) {
            true => Ok(found),
            false => bail!("the remote's {path} is {found:?}, not {content:?}"),
        }
    }

    /// Every content the remote ever had for an artifact, newest first.
    ///
    /// # Errors
    /// What the backend answers.
    pub fn history(&self, kind: &str, id: &str) -> Result<Vec<String>> {
        let (mut all, mut before) = (Vec::new(), Value::Null);
        loop {
            let arguments = json!({
                "team": self.id, "kind": kind, "id": id, "with_content": true,
                "before_version": before, "max_rows": 500,
            });
            let page = self.backend.rpc(&self.observer, "artifact_versions", &arguments)?;
            let rows = page["versions"].as_array();
            let rows = rows.with_context(|| format!("no versions in {page}"))?;
            all.extend(rows.iter().filter_map(|row| row["content"].as_str()).map(str::to_owned));
            match (page["more"] == true, rows.last()) {
                (true, Some(oldest)) => before = oldest["version"].clone(),
                _ => return Ok(all),
            }
        }
    }
}

fn artifact(row: &Value) -> RemoteArtifact {
    RemoteArtifact {
        version: row["version"].as_u64().unwrap_or(0),
        content: row["content"].as_str().map(str::to_owned),
        author: row["author_name"].as_str().unwrap_or_default().to_owned(),
    }
}
