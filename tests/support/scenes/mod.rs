//! The main job as scenes: two people, two machines, one team. The demo plays them aloud, the
//! end-to-end tests silently; each scene fails unless everything it shows is true.

mod cast;
mod play;
mod texts;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::Backend;
use crate::editor::{Capabilities, Editor};
use crate::team::{Team, User};
use crate::wait::eventually;
use crate::workspace::Workspace;
use std::sync::Arc;

pub use cast::gather;
pub use play::{arrives, conflict, merges, offline};
pub use texts::{ADR, PLAN, RUNBOOK, STORY};

/// Where a play is told to.
pub trait Stage {
    /// A new scene.
    fn scene(&mut self, title: &str);
    /// What somebody does or sees; more lines follow the first.
    fn tells(&mut self, who: &str, text: &str);
}

/// Nobody listens.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Stage for Silent {
    fn scene(&mut self, _: &str) {}
    fn tells(&mut self, _: &str, _: &str) {}
}

/// One person at one machine with one editor.
#[derive(Debug)]
pub struct Side {
    /// What they are called on the stage.
    pub name: &'static str,
    /// Their editor; before the folder, so that it ends first.
    pub editor: Editor,
    /// Their folder.
    pub workspace: Workspace,
    /// Their account.
    pub user: User,
}

impl Side {
    /// A signed-in member of the team with a workspace, and an editor on it that is live.
    ///
    /// # Errors
    /// When any of it fails.
    pub fn new(name: &'static str, team: &Team, user: User, can: Capabilities) -> Result<Self> {
        let workspace = Workspace::of_team(&name.to_lowercase(), team)?;
        workspace.login(&user)?;
        Self::seated(name, workspace, user, can)
    }

    /// The same with a line in the `sync` section of the configuration.
    ///
    /// # Errors
    /// As above.
    pub fn configured(name: &'static str, team: &Team, user: User, sync: &str) -> Result<Self> {
        let workspace = Workspace::configured(&name.to_lowercase(), team, sync)?;
        workspace.login(&user)?;
        Self::seated(name, workspace, user, Capabilities::default())
    }

    /// The same on a workspace that is ready.
    ///
    /// # Errors
    /// When the editor does not come up.
    pub fn seated(name: &'static str, workspace: Workspace, user: User, can: Capabilities) -> Result<Self> {
        let reports = can.status;
        let mut editor = Editor::start_with(&workspace, can)?;
        if reports {
            editor.wait_live()?;
        }
        Ok(Self { name, editor, workspace, user })
    }

    /// Changes a file in the editor and saves it.
    ///
    /// # Errors
    /// When `old` is not there.
    pub fn edit(&mut self, path: &str, old: &str, new: &str) -> Result<()> {
        self.editor.replace(path, old, new)?;
        self.editor.save(path)
    }
}

/// Two people of one team.
#[derive(Debug)]
pub struct Pair {
    /// The first.
    pub ann: Side,
    /// The second.
    pub bob: Side,
    /// Their team.
    pub team: Team,
}

impl Pair {
    /// Two members of a new team.
    ///
    /// # Errors
    /// When any of it fails.
    pub fn new(backend: &Arc<Backend>) -> Result<Self> {
        Self::with(backend, Capabilities::default(), Capabilities::default())
    }

    /// The same with editors that can do this.
    ///
    /// # Errors
    /// When any of it fails.
    pub fn with(backend: &Arc<Backend>, anns: Capabilities, bobs: Capabilities) -> Result<Self> {
        let (ann, bob) = (backend.user("ann")?, backend.user("bob")?);
        let team = Team::create(backend, &ann)?;
        team.add(&bob, "editor")?;
        let ann = Side::new("Ann", &team, ann, anns)?;
        let bob = Side::new("Bob", &team, bob, bobs)?;
        Ok(Self { ann, bob, team })
    }

    /// The same, with a line in the `sync` section of Bob's configuration.
    ///
    /// # Errors
    /// When any of it fails.
    pub fn configured(backend: &Arc<Backend>, bobs_sync: &str) -> Result<Self> {
        let (ann, bob) = (backend.user("ann")?, backend.user("bob")?);
        let team = Team::create(backend, &ann)?;
        team.add(&bob, "editor")?;
        let ann = Side::new("Ann", &team, ann, Capabilities::default())?;
        let bob = Side::configured("Bob", &team, bob, bobs_sync)?;
        Ok(Self { ann, bob, team })
    }

    /// The same, and each is told what the other has open.
    ///
    /// # Errors
    /// When any of it fails.
    pub fn present(backend: &Arc<Backend>) -> Result<Self> {
        let (ann, bob) = (backend.user("ann")?, backend.user("bob")?);
        let team = Team::create(backend, &ann)?;
        team.add(&bob, "editor")?;
        let ann = Side::configured("Ann", &team, ann, "presence: true")?;
        let bob = Side::configured("Bob", &team, bob, "presence: true")?;
        Ok(Self { ann, bob, team })
    }

    /// Ann writes a new artifact, and both have it.
    ///
    /// # Errors
    /// When it does not get to Bob.
    pub fn share(&mut self, path: &str, content: &str) -> Result<()> {
        self.ann.workspace.write(path, content)?;
        self.agree(path, Some(content))
    }

    /// The same, and both have it open in their editors.
    ///
    /// # Errors
    /// As above.
    pub fn share_open(&mut self, path: &str, content: &str) -> Result<()> {
        self.share(path, content)?;
        self.ann.editor.open(path)?;
        self.bob.editor.open(path)?;
        Ok(())
    }

    /// Waits until both files and the remote hold exactly this, and both caches say so.
    ///
    /// # Errors
    /// When they never do.
    pub fn agree(&mut self, path: &str, content: Option<&str>) -> Result<()> {
        let Self { ann, bob, team } = self;
        let agreed = eventually(&format!("both sides and the remote to agree on {path}"), || {
            ann.editor.look()?;
            bob.editor.look()?;
            ann.workspace.expect(path, content)?;
            bob.workspace.expect(path, content)?;
            let remote = team.artifact(path)?;
            ensure!(remote.content.as_deref() == content, "the remote's is {remote:?}, not {content:?}");
            ann.workspace.expect_clean()?;
            bob.workspace.expect_clean()
        });
        agreed.map_err(|error| {
            let sides = [&self.ann, &self.bob];
            let said = sides.map(|side| format!("{}: {}", side.name, side.editor.conversation()));
            error.context(said.join("\n\n"))
        })
    }
}

/// A diagnostic's message.
pub fn message(diagnostic: &Value) -> &str {
    diagnostic["message"].as_str().unwrap_or_default()
}
