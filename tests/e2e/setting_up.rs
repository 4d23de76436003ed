//! `agent sync init` from nothing to in sync: asked at a terminal, and told by flags in a fresh clone.

use agent_tests::{Backend, Team, Terminal, User, Workspace, eventually};
use anyhow::{Context as _, Result, ensure};

const PLAN: &str = ".agent/plans/I-001-plan.md";
const STORY: &str = ".agent/stories/I-002-story.md";
const DOWN: &str = "\u{1b}[B";

fn git(workspace: &Workspace, args: &[&str]) -> Result<String> {
    let identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"];
    let ran = workspace.command_of("git")?.args(identity).args(args).output()?;
    ensure!(ran.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
}

/// An address in the middle of being asked: everything up to who one is.
fn begin(workspace: &Workspace, backend: &Backend) -> Result<Terminal> {
    let mut terminal = Terminal::start(workspace, &["sync", "init"], 100)?;
    terminal.see("publishable (anon) key [SUPABASE_ANON_KEY]")?;
    terminal.press("\r")?;
    terminal.see("Supabase project")?;
    terminal.press(&format!("{}\r", backend.url()))?;
    terminal.see("answers in")?;
    terminal.see("through the browser")?;
    Ok(terminal)
}

fn enter_password(terminal: &mut Terminal, who: &User, password: &str) -> Result<()> {
    terminal.press("\r")?;
    terminal.see("Your address")?;
    terminal.press(&format!("{}\r", who.email))?;
    terminal.see("Password")?;
    terminal.hides()?;
    terminal.press(&format!("{password}\r"))
}

#[test]
fn from_nothing_to_in_sync_at_a_terminal() -> Result<()> {
    let backend = Backend::shared()?;
    let (ann, bob) = (backend.user("ann")?, backend.user("bob")?);
    let mut anns = Workspace::new("ann")?;
    anns.set_anon_key(backend.anon_key());
    anns.write(PLAN, "# I-001 Plan\n")?;
    anns.write(STORY, "# I-002 Story\n")?;
    let mut terminal = begin(&anns, &backend)?;
    enter_password(&mut terminal, &ann, "a wrong one")?;
    // Told why, and asked again.
    terminal.see("through the browser")?;
    enter_password(&mut terminal, &ann, ann.password())?;
    terminal.see(&format!("Signed in as {}", ann.email))?;
    terminal.see("make a new team")?;
    terminal.press("\r")?;
    terminal.see("Its name")?;
    terminal.press("Operations\r")?;
    let summary = terminal.see("Send to the team?")?;
    ensure!(summary.contains("Found 2 artifacts: 1 plan, 1 story."), "{summary}");
    terminal.press("y")?;
    ensure!(!terminal.raw.contains(ann.password()), "the password was shown");
    let (code, report) = terminal.end()?;
    ensure!(code == 0 && report.contains("Pushed 2 artifacts"), "{code}: {report}");
    anns.expect_clean()?;
    let yaml = anns.read(".agent/etc/sync.yaml")?;
    ensure!(
        yaml.contains("${SUPABASE_ANON_KEY}") && yaml.contains("  # The team's Supabase project."),
        "{yaml}"
    );
    ensure!(anns.read(".agent/.gitignore")?.contains("/logs/"));

    // Bob is invited, signs in by mail, and joins.
    anns.agent_ok(&["team", "invite", &bob.email, "--role", "editor"])?;
    let mut bobs = Workspace::new("bob")?;
    bobs.set_anon_key(backend.anon_key());
    let mut terminal = begin(&bobs, &backend)?;
    terminal.press(&format!("{DOWN}\r"))?;
    terminal.see("Your address")?;
    terminal.press(&format!("{}\r", bob.email))?;
    terminal.see("The code that was sent")?;
    terminal.hides()?;
    let code = eventually("the mail", || {
        let mails = backend.mails(&bob.email)?;
        Ok(mails.first().context("no mail")?.code()?.to_owned())
    })?;
    terminal.press(&format!("{code}\r"))?;
    terminal.see("accept the invitation to Operations (editor)")?;
    terminal.press("\r")?;
    let (code, report) = terminal.end()?;
    ensure!(code == 0 && report.contains("Created 2 artifacts"), "{code}: {report}");
    ensure!(bobs.artifacts()? == anns.artifacts()?);
    bobs.expect_clean()
}

#[test]
fn what_does_not_work_is_said_and_asked_again_and_leaving_leaves_nothing() -> Result<()> {
    let backend = Backend::shared()?;
    let mut folder = Workspace::new("nobody")?;
    let before = folder.artifacts()?;
    // Without the key there is nothing to go on with.
    let mut terminal = Terminal::start(&folder, &["sync", "init"], 100)?;
    terminal.see("[SUPABASE_ANON_KEY]")?;
    terminal.press("\r")?;
    let (code, said) = terminal.end()?;
    ensure!(code == 128 && said.contains("export SUPABASE_ANON_KEY="), "{code}: {said}");
    folder.set_anon_key(backend.anon_key());
    let mut terminal = Terminal::start(&folder, &["sync", "init"], 100)?;
    terminal.see("[SUPABASE_ANON_KEY]")?;
    terminal.press("\r")?;
    for (address, problem) in [("nowhere", "is no address"), ("http://127.0.0.1:1", "cannot be reached")] {
        terminal.see("Supabase project")?;
        terminal.press(&format!("{address}\r"))?;
        terminal.see(problem)?;
    }
    terminal.see("Supabase project")?;
    terminal.press("\u{3}")?;
    ensure!(terminal.end()?.0 != 0);
    ensure!(!folder.file(".agent/etc/sync.yaml").exists() && folder.artifacts()? == before);
    Ok(())
}

#[test]
fn a_fresh_clone_and_init_are_enough_to_be_in_sync() -> Result<()> {
    let backend = Backend::shared()?;
    let ann = backend.user("ann")?;
    let team = Team::create(&backend, &ann)?;
    let anns = Workspace::of_team("ann", &team)?;
    anns.login(&ann)?;
    anns.write(PLAN, "# I-001 Plan\n\none\n")?;
    anns.write(STORY, "# I-002 Story\n\none\n")?;
    anns.agent_ok(&["sync", "init"])?;
    anns.agent_ok(&["sync", "push"])?;
    git(&anns, &["init", "--quiet", "--initial-branch", "main"])?;
    git(&anns, &["add", "--all"])?;
    git(&anns, &["commit", "--quiet", "-m", "The artifacts"])?;
    // The team goes on after the commit; one is new, and one is gone.
    anns.write(PLAN, "# I-001 Plan\n\ntwo\n")?;
    anns.write(".agent/adrs/I-003-adr.md", "# I-003 ADR\n")?;
    anns.remove(STORY)?;
    anns.agent_ok(&["sync", "push", "--allow-deletions"])?;

    let mut clone = Workspace::new("clone")?;
    clone.set_anon_key(backend.anon_key());
    git(&clone, &["init", "--quiet", "--initial-branch", "main"])?;
    git(&clone, &["pull", "--quiet", &anns.root().display().to_string(), "main"])?;
    clone.expect(PLAN, Some("# I-001 Plan\n\none\n"))?;
    clone.login(&ann)?;
    let made = clone.agent(&["sync", "init", "--json"])?;
    ensure!(made.code == 0 && made.json()?["pull"]["artifacts"].is_array(), "{made:?}");
    clone.expect_clean()?;
    ensure!(clone.artifacts()? == anns.artifacts()?, "{:?}", clone.artifacts()?);
    ensure!(team.artifact(PLAN)?.version == 2, "{:?}", team.artifact(PLAN)?);
    // Once more changes nothing, and what is committed is what Git sees.
    let again = clone.agent_ok(&["sync", "init"])?;
    ensure!(again.out.contains("Already up to date"), "{again:?}");
    git(&anns, &["add", "--all"])?;
    git(&anns, &["commit", "--quiet", "-m", "The next day"])?;
    git(&clone, &["checkout", "--quiet", "--", "."])?;
    git(&clone, &["clean", "--quiet", "--force", ".agent/adrs"])?;
    git(&clone, &["pull", "--quiet", &anns.root().display().to_string(), "main"])?;
    clone.agent_ok(&["sync", "pull"])?;
    clone.expect_clean()?;
    ensure!(
        git(&clone, &["status", "--porcelain"])?.is_empty(),
        "{}",
        git(&clone, &["status", "--porcelain"])?
    );
    Ok(())
}
