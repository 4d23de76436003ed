//! Git changes files behind the program's back: what it brings is an edit with the right base, never a
//! conflict with oneself. And who somebody is while nobody is signed in.

use agent_tests::{Backend, Team, Watching, Workspace, eventually};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

const PATH: &str = ".agent/plans/G-001-git.md";
const BASE: &str = "# G-001 Git\n\none\n\ntwo\n\nthree\n\nfour\n\nfive\n";

fn git(workspace: &Workspace, args: &[&str]) -> Result<String> {
    let identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"];
    let ran = workspace.command_of("git")?.args(identity).args(args).output()?;
    ensure!(ran.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
}

fn commit(workspace: &Workspace, message: &str) -> Result<()> {
    git(workspace, &["add", "--all"])?;
    git(workspace, &["commit", "--quiet", "-m", message])?;
    Ok(())
}

/// Ann's and Bob's clones, both in sync with the team and with each other's commits.
struct Clones {
    ann: Workspace,
    bob: Workspace,
    team: Team,
}

impl Clones {
    fn new() -> Result<Self> {
        let backend = Backend::shared()?;
        let (ann, bob) = (backend.user("ann")?, backend.user("bob")?);
        let team = Team::create(&backend, &ann)?;
        team.add(&bob, "editor")?;
        let anns = Workspace::of_team("ann", &team)?;
        anns.login(&ann)?;
        anns.write(PATH, BASE)?;
        anns.agent_ok(&["sync", "init"])?;
        anns.agent_ok(&["sync", "push"])?;
        git(&anns, &["init", "--quiet", "--initial-branch", "main"])?;
        commit(&anns, "The artifacts")?;
        let mut bobs = Workspace::new("bob")?;
        bobs.set_anon_key(backend.anon_key());
        git(&bobs, &["init", "--quiet", "--initial-branch", "main"])?;
        git(&bobs, &["remote", "add", "origin", &anns.root().display().to_string()])?;
        git(&bobs, &["pull", "--quiet", "origin", "main"])?;
        bobs.login(&bob)?;
        bobs.agent_ok(&["sync", "init"])?;
        bobs.expect_clean()?;
        Ok(Self { ann: anns, bob: bobs, team })
    }

    /// Ann changes a line, for the team and in a commit.
    fn ann_commits(&self, old: &str, new: &str) -> Result<()> {
        self.ann_pushes(old, new)?;
        commit(&self.ann, new)
    }

    fn ann_pushes(&self, old: &str, new: &str) -> Result<()> {
        self.ann.agent_ok(&["sync", "pull"])?;
        self.ann.write(PATH, self.ann.read(PATH)?.replace(old, new))?;
        self.ann.agent_ok(&["sync", "push"]).map(drop)
    }

    fn next(&self) -> Result<Value> {
        let status = self.bob.agent_ok(&["sync", "status", "--json"])?.json()?;
        Ok(status["artifacts"][0]["next"].clone())
    }

    /// Bob is in sync with the team, which has this version with this text.
    fn agree(&self, version: u64, text: &str) -> Result<()> {
        self.bob.agent_ok(&["sync", "pull"])?;
        self.bob.expect(PATH, Some(text))?;
        self.bob.expect_clean()?;
        let pushed = self.bob.agent_ok(&["sync", "push"])?;
        ensure!(pushed.out.contains("Nothing to push"), "{pushed:?}");
        let there = self.team.expect(PATH, text)?;
        ensure!(there.version == version, "{there:?}");
        Ok(())
    }
}

#[test]
fn what_git_pull_brings_is_the_team_s_own() -> Result<()> {
    let clones = Clones::new()?;
    clones.ann_commits("one", "one by Ann")?;
    git(&clones.bob, &["pull", "--quiet", "origin", "main"])?;
    ensure!(clones.next()? != "conflict");
    clones.agree(2, &BASE.replace("one", "one by Ann"))?;
    // Git is behind the team: what it brings is a version between the base and the newest.
    clones.ann_commits("one by Ann", "one by Ann, again")?;
    clones.ann_pushes("one by Ann, again", "one by Ann, at last")?;
    git(&clones.bob, &["pull", "--quiet", "origin", "main"])?;
    clones.agree(4, &BASE.replace("one", "one by Ann, at last"))
}

#[test]
fn the_live_loop_takes_what_git_pull_brings_as_well() -> Result<()> {
    let clones = Clones::new()?;
    let mut watching = Watching::start(&clones.bob)?;
    watching.wait("online", |_| true)?;
    clones.ann_commits("one", "one by Ann")?;
    git(&clones.bob, &["checkout", "--quiet", "--", "."])?;
    git(&clones.bob, &["pull", "--quiet", "origin", "main"])?;
    clones.ann_pushes("one by Ann", "one by Ann, again")?;
    let text = BASE.replace("one", "one by Ann, again");
    eventually("Bob to have it", || {
        clones.bob.expect(PATH, Some(&text))?;
        clones.bob.expect_clean()
    })?;
    watching.signal("INT")?;
    ensure!(watching.end()?.0 == 0);
    clones.agree(clones.team.artifact(PATH)?.version, &text)
}

#[test]
fn a_checkout_of_what_was_is_an_edit_until_it_is_left() -> Result<()> {
    let clones = Clones::new()?;
    clones.ann_commits("one", "one by Ann")?;
    clones.bob.agent_ok(&["sync", "pull"])?;
    git(&clones.bob, &["checkout", "--quiet", "--", "."])?;
    git(&clones.bob, &["pull", "--quiet", "origin", "main"])?;
    clones.agree(2, &BASE.replace("one", "one by Ann"))?;
    git(&clones.bob, &["checkout", "--quiet", "HEAD~1"])?;
    clones.bob.expect(PATH, Some(BASE))?;
    ensure!(clones.next()? == "push", "{}", clones.next()?);
    // What the team changes elsewhere meanwhile comes in beside it, without a question.
    clones.ann_pushes("five", "five by Ann")?;
    clones.bob.agent_ok(&["sync", "pull"])?;
    ensure!(clones.next()? == "push", "{}", clones.next()?);
    git(&clones.bob, &["checkout", "--quiet", "--force", "main"])?;
    ensure!(clones.next()? != "conflict");
    clones.bob.write(PATH, BASE.replace("one", "one by Ann").replace("five", "five by Ann"))?;
    clones.agree(3, &BASE.replace("one", "one by Ann").replace("five", "five by Ann"))
}

#[test]
fn a_rebase_that_merged_is_an_edit_on_top_of_the_team_s_version() -> Result<()> {
    let clones = Clones::new()?;
    clones.bob.write(PATH, BASE.replace("five", "five by Bob"))?;
    commit(&clones.bob, "Bob's")?;
    ensure!(clones.next()? == "push");
    clones.ann_commits("one", "one by Ann")?;
    git(&clones.bob, &["pull", "--quiet", "--rebase", "origin", "main"])?;
    let text = BASE.replace("one", "one by Ann").replace("five", "five by Bob");
    clones.bob.expect(PATH, Some(&text))?;
    clones.bob.agent_ok(&["sync", "pull"])?;
    ensure!(clones.next()? == "push", "{}", clones.next()?);
    clones.bob.agent_ok(&["sync", "push"])?;
    clones.agree(3, &text)
}

#[test]
fn a_stash_goes_and_comes_back() -> Result<()> {
    let clones = Clones::new()?;
    let text = BASE.replace("five", "five by Bob");
    clones.bob.write(PATH, &text)?;
    clones.bob.agent_ok(&["sync", "push"])?;
    git(&clones.bob, &["stash", "--quiet"])?;
    clones.bob.expect(PATH, Some(BASE))?;
    ensure!(clones.next()? == "push", "{}", clones.next()?);
    git(&clones.bob, &["stash", "pop", "--quiet"])?;
    clones.agree(2, &text)?;
    // Also when the team has taken the stashed state for an edit meanwhile.
    git(&clones.bob, &["stash", "--quiet"])?;
    clones.bob.agent_ok(&["sync", "push"])?;
    git(&clones.bob, &["stash", "pop", "--quiet"])?;
    ensure!(clones.next()? == "push", "{}", clones.next()?);
    clones.bob.agent_ok(&["sync", "push"])?;
    clones.agree(4, &text)
}

#[test]
fn authors_come_from_the_session_else_from_git() -> Result<()> {
    let backend = Backend::shared()?;
    let ann = backend.user("ann")?;
    let team = Team::create(&backend, &ann)?;
    let workspace = Workspace::of_team("ann", &team)?;
    workspace.write(".agent/templates/plan.md", "# {{id}}: {{title}}\n\nby {{author}}\n")?;
    let newest = || -> Result<Option<String>> {
        let log = workspace.agent_ok(&["sync", "log", "--offline", "--json"])?.json()?;
        Ok(log["operations"][0]["author"].as_str().map(str::to_owned))
    };
    let save = |text: &str| -> Result<()> {
        workspace.write(PATH, text)?;
        workspace.agent_ok(&["sync", "status"]).map(drop)
    };
    let made = || -> Result<String> {
        let made = workspace.agent(&["new-plan", "--title", "X", "--json"])?.json()?;
        workspace.read(made["path"].as_str().context("no path")?)
    };
    save("# G-001 One\n")?;
    ensure!(newest()?.is_none(), "{:?}", newest()?);
    git(&workspace, &["config", "--global", "user.name", "Ann Author"])?;
    save("# G-001 Two\n")?;
    ensure!(newest()?.as_deref() == Some("Ann Author"), "{:?}", newest()?);
    git(&workspace, &["config", "--global", "user.email", "ann@git.example"])?;
    save("# G-001 Three\n")?;
    ensure!(newest()?.as_deref() == Some("ann@git.example"), "{:?}", newest()?);
    ensure!(made()?.contains("by ann@git.example"));
    workspace.login(&ann)?;
    save("# G-001 Four\n")?;
    ensure!(newest()?.as_deref() == Some(ann.email.as_str()), "{:?}", newest()?);
    ensure!(made()?.contains(&format!("by {}", ann.email)));
    workspace.agent_ok(&["sync", "push"])?;
    ensure!(team.artifact(PATH)?.author == ann.email, "{:?}", team.artifact(PATH)?);
    Ok(())
}
