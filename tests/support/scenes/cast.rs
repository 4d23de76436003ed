//! Before the first scene: accounts, a team, two workspaces, four artifacts; all through the
//! command line, as a new team does it.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};

use super::{ADR, PLAN, Pair, RUNBOOK, STORY, Side, Stage};
use crate::Backend;
use crate::editor::Capabilities;
use crate::team::{Team, User};
use crate::workspace::{Ran, Workspace};

/// Brings the team together. The addresses must be free on the backend.
///
/// # Errors
/// When any step fails.
pub fn gather(backend: &Arc<Backend>, emails: [&str; 2], stage: &mut dyn Stage) -> Result<Pair> {
    stage.scene("Two people, one team");
    let [ann_user, bob_user] = [backend.user_as(emails[0])?, backend.user_as(emails[1])?];
    let ann = machine("ann", backend, &ann_user, stage, "Ann")?;
    let made = ann.agent_ok(&with_project(&["team", "create", "Operations", "--json"], backend.url()))?;
    let id = made.json()?["team"].as_str().map(str::to_owned);
    let id = id.with_context(|| format!("no id in {made:?}"))?;
    let team = Team::known(backend, &ann_user, id);
    init(&ann, backend, &team)?;
    ann.agent_ok(&["team", "invite", &bob_user.email, "--role", "editor"])?;
    stage.tells("Ann", "$ agent team create Operations\n$ agent team invite bob@example.com --role editor");
    for (path, text) in [PLAN, STORY, RUNBOOK, ADR] {
        ann.write(path, text)?;
    }
    stage.tells("Ann", "has a plan, a story, a runbook and a decision record under .agent/");
    let pushed = ann.agent_ok(&["sync", "push"])?;
    stage.tells("Ann", &format!("$ agent sync push\n{}", said(&pushed)));

    let bob = machine("bob", backend, &bob_user, stage, "Bob")?;
    bob.agent_ok(&with_project(&["team", "accept"], backend.url()))?;
    stage.tells("Bob", "$ agent team accept");
    init(&bob, backend, &team)?;
    let pulled = bob.agent_ok(&["sync", "pull"])?;
    stage.tells("Bob", &format!("$ agent sync pull\n{}", said(&pulled)));
    ensure!(ann.artifacts()? == bob.artifacts()?, "the two folders differ after the first pull");

    let ann = Side::seated("Ann", ann, ann_user, Capabilities::default())?;
    let bob = Side::seated("Bob", bob, bob_user, Capabilities::default())?;
    stage.tells("Ann", "opens the folder in an editor; `agent lsp` runs");
    stage.tells("Bob", "opens the folder in an editor; `agent lsp` runs");
    Ok(Pair { ann, bob, team })
}

fn machine(
    name: &str,
    backend: &Backend,
    user: &User,
    stage: &mut dyn Stage,
    who: &str,
) -> Result<Workspace> {
    let mut workspace = Workspace::new(name)?;
    workspace.set_anon_key(backend.anon_key());
    let args = ["login", "--email", &user.email, "--password-stdin"];
    let args = with_project(&args, backend.url());
    let ran = workspace.agent_with(&args, &format!("{}\n", user.password()))?;
    ensure!(ran.code == 0, "agent login failed: {ran:?}");
    stage.tells(who, &format!("$ agent login --email {}", user.email));
    Ok(workspace)
}

fn with_project<'a>(args: &[&'a str], url: &'a str) -> Vec<&'a str> {
    let mut all = args.to_vec();
    all.extend(["--url", url, "--anon-key-env", "SUPABASE_ANON_KEY"]);
    all
}

fn init(workspace: &Workspace, backend: &Backend, team: &Team) -> Result<()> {
    let args = ["sync", "init", "--url", backend.url(), "--team-id", &team.id];
    workspace.agent_ok(&args).map(drop)
}

/// What a command printed.
fn said(ran: &Ran) -> String {
    ran.out.trim_end().to_owned()
}
