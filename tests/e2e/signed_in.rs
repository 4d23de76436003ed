//! Who is signed in: one session for all processes, whoever it is while an editor runs, a password that is
//! asked for and not shown, and keys that are nobody's session.

use std::sync::Arc;

use agent_tests::browser::{self, Decision};
use agent_tests::{Backend, Capabilities, Editor, Options, Team, Terminal, Workspace, eventually};
use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::sign_in::{command, expect_user, machine};

/// Makes the stored access token look used up.
fn age(workspace: &Workspace) -> Result<()> {
    for entry in std::fs::read_dir(workspace.home().join("sessions"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let mut file: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
            file["session"]["expires_at"] = json!(0);
            std::fs::write(&path, file.to_string())?;
        }
    }
    Ok(())
}

#[test]
fn many_processes_renew_a_session_once_and_a_server_that_is_away_ends_none() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let options = Options { data: Some(folder.path().join("pg")), ..Options::default() };
    let backend = Arc::new(Backend::start_with(options, &mut |_| {})?);
    let (mut workspace, ann, _) = machine(&backend)?;
    workspace.set_env("AGENT_LOG", "error");
    workspace.login(&ann)?;
    let workspace = &workspace;
    for round in 1..=3 {
        age(workspace)?;
        backend.reset_stats()?;
        std::thread::scope(|scope| {
            let run = |_| scope.spawn(|| workspace.agent(&["whoami", "--json"]));
            let all: Vec<_> = (0..8).map(run).collect();
            all.into_iter().try_for_each(|one| {
                let ran = one.join().expect("no panic")?;
                ensure!(ran.code == 0 && ran.json()?["teams"].is_array(), "{ran:?}");
                Ok(())
            })
        })?;
        let renewed = backend.stats()?.requests("POST /auth/v1/token");
        ensure!(renewed == 1, "round {round}: renewed {renewed} times");
    }

    backend.stop()?;
    age(workspace)?;
    let whoami = workspace.agent(&["whoami", "--json"])?;
    ensure!(whoami.code == 0, "{whoami:?}");
    let said = whoami.json()?;
    ensure!(said["user"] == ann.email.as_str() && said["teams"].is_null(), "{said}");
    let mut editor = Editor::start(workspace)?;
    editor.wait_status("offline, not signed out", |status| status["state"] == "offline")?;
    let pushed = workspace.agent(&["sync", "push"])?;
    ensure!(!format!("{}{}", pushed.out, pushed.err).contains("not signed in"), "{pushed:?}");
    backend.restart()?;
    editor.wait_status("back", |status| status["state"] == "in-sync")
}

#[test]
fn whoever_signs_in_while_the_editor_runs_is_who_it_works_for() -> Result<()> {
    let backend = Backend::shared()?;
    let (mut workspace, ann, team) = machine(&backend)?;
    workspace.set_env("AGENT_LOG", "warn");
    let bob = backend.user("bob")?;
    team.add(&bob, "editor")?;
    let path = ".agent/plans/T-020-who.md";
    workspace.write(path, "# T-020 Who\n\nby nobody\n")?;
    workspace.write(".agent/templates/story.md", "# {{id}}: {{title}}\n\nby {{author}}\n")?;
    let mut editor = Editor::start(&workspace)?;
    editor.wait_status("signed out", |status| status["state"] == "signed-out" && status["waiting"] == 1)?;
    editor.open(path)?;

    for (user, other, version) in [(&ann, &bob, 1), (&bob, &ann, 2)] {
        // In a terminal beside it; the editor notices by itself.
        workspace.login(user)?;
        editor.wait_live()?;
        let pushed = eventually("what waited", || {
            let there = team.artifact(path)?;
            ensure!(there.version == version, "{there:?}");
            Ok(there)
        })?;
        ensure!(pushed.author == user.email, "{pushed:?}");
        let status = workspace.agent_ok(&["sync", "status", "--all", "--json"])?.json()?;
        let entry = status["artifacts"].as_array().into_iter().flatten().find(|entry| entry["id"] == "T-020");
        ensure!(entry.is_some_and(|entry| entry["author"] == user.email.as_str()), "{status:#}");
        command(&mut editor, "agent.new", &json!({ "kind": "story", "prefix": "T", "title": "By whom" }))?;
        let shown = std::fs::read_to_string(editor.wait_shown()?)?;
        ensure!(
            shown.ends_with(&format!("\nby {}\n", user.email)) && !shown.contains(&other.email),
            "{shown}"
        );

        workspace.agent_ok(&["logout"])?;
        editor.replace(path, "by ", "written by ")?;
        editor.save(path)?;
        editor.wait_status("signed out again", |status| {
            status["state"] == "signed-out" && status["waiting"] == 1
        })?;
    }
    editor.shutdown()
}

#[test]
fn signing_in_and_out_sends_nothing_that_is_to_be_asked_for() -> Result<()> {
    const MINE: &str = ".agent/plans/T-020-mine.md";
    const THEIRS: &str = ".agent/plans/T-021-theirs.md";
    let backend = Backend::shared()?;
    let (ann, bob) = (backend.user("ann")?, backend.user("bob")?);
    let team = Team::create(&backend, &ann)?;
    team.add(&bob, "editor")?;
    let mut anns = Workspace::configured("ann", &team, "auto_push: false")?;
    anns.set_env("AGENT_LOG", "warn");
    anns.login(&ann)?;
    let bobs = Workspace::of_team("bob", &team)?;
    bobs.login(&bob)?;
    let mut editor = Editor::start(&anns)?;
    editor.wait_live()?;
    anns.write(MINE, "# T-020 Mine\n")?;
    editor.wait_status("it waits", |status| status["waiting"] == 1)?;
    for _ in 0..2 {
        anns.agent_ok(&["logout"])?;
        // Noticed with the next request, whenever that is due.
        command(&mut editor, "agent.pull", &json!({}))?;
        editor.wait_status("signed out", |status| status["state"] == "signed-out")?;
        anns.login(&ann)?;
        editor.wait_status("back", |status| status["state"] == "waiting" && status["live"] == true)?;
    }
    // What is taken in now is taken in after all that the signing in led to.
    bobs.write(THEIRS, "# T-021 Theirs\n")?;
    bobs.agent_ok(&["sync", "push"])?;
    eventually("their artifact", || anns.expect(THEIRS, Some("# T-021 Theirs\n")))?;
    ensure!(!team.artifacts()?.contains_key(MINE), "it was sent unasked");
    editor.wait_status("it waits still", |status| status["waiting"] == 1)?;
    editor.shutdown()
}

#[test]
fn an_editor_without_buttons_goes_to_the_only_provider() -> Result<()> {
    let backend = Backend::shared()?;
    let (mut workspace, _, _) = machine(&backend)?;
    workspace.set_env("AGENT_LOG", "warn");
    let plain = Capabilities { buttons: false, shows_documents: false, ..Capabilities::default() };
    let mut editor = Editor::start_with(&workspace, plain)?;
    editor.wait_status("signed out", |status| status["state"] == "signed-out")?;
    command(&mut editor, "agent.signIn", &json!({}))?;
    // Without a way to show a page, its address is said.
    let said =
        editor.wait_message("where", |text| text.contains("by opening this address in a browser: http"))?;
    let address = said.split_whitespace().last().context("no address")?.to_owned();
    browser::sign_in(&address, Decision::Cancel)?;
    editor.wait_message("why not", |text| text.contains("cancelled at the provider"))?;
    editor.shutdown()
}

#[test]
fn the_secret_key_is_no_publishable_key_either() -> Result<()> {
    let backend = Backend::shared()?;
    let (mut workspace, ann, _) = machine(&backend)?;
    workspace.set_anon_key(backend.secret_key());
    for args in
        [&["login", "--email", &*ann.email, "--password-stdin"][..], &["whoami"], &["team", "invitations"]]
    {
        let ran = workspace.agent_with(args, "x\n")?;
        ran.says(128, &["bypasses every access rule"])?;
        ran.tells_none(&[backend.secret_key()])?;
    }
    workspace.write(".agent/plans/T-030-key.md", "# T-030 Key\n")?;
    let pushed = workspace.agent(&["sync", "push"])?;
    ensure!(pushed.code != 0, "{pushed:?}");
    pushed.says(pushed.code, &["bypasses every access rule"])?;
    pushed.tells_none(&[backend.secret_key()])?;
    let mut editor = Editor::start(&workspace)?;
    editor.wait_status("why not", |status| {
        status["state"] == "broken"
            && status["problem"].as_str().is_some_and(|text| text.contains("bypasses every access rule"))
    })?;
    ensure!(!editor.stderr().contains(backend.secret_key()), "the log tells the key");
    editor.shutdown()
}

#[cfg(unix)]
#[test]
fn a_password_asked_for_on_the_terminal_is_not_shown() -> Result<()> {
    let backend = Backend::shared()?;
    let (workspace, ann, _) = machine(&backend)?;
    let args = ["login", "--email", &*ann.email];
    for (typed, code, words) in [
        ("not the password", 128, "the address or the password is wrong"),
        (ann.password(), 0, "Signed in to "),
    ] {
        let mut terminal = Terminal::start(&workspace, &args, 200)?;
        terminal.see(&format!("Password of {}: ", ann.email))?;
        terminal.hides()?;
        terminal.press(&format!("{typed}\r"))?;
        terminal.see(words)?;
        let shown = terminal.raw.clone();
        let (ended, rest) = terminal.end()?;
        ensure!(ended == code, "{ended}: {shown}{rest}");
        for text in [&shown, &rest] {
            ensure!(!text.contains(typed), "what was typed is shown: {text}");
        }
    }
    expect_user(&workspace, &ann)?;
    // The terminal would show what is meant for a pipe.
    let mut terminal =
        Terminal::start(&workspace, &["login", "--email", &ann.email, "--password-stdin"], 200)?;
    terminal.see("leave it out to be asked for the password")?;
    ensure!(terminal.end()?.0 == 128, "it went on");
    Ok(())
}

#[test]
fn without_a_terminal_it_is_said_what_to_give() -> Result<()> {
    let backend = Backend::shared()?;
    let (workspace, ann, _) = machine(&backend)?;
    let wrong = workspace.agent(&["login", "--email", &ann.email, "--nonsense"])?;
    let ran = workspace.agent_with(&["login", "--email", &ann.email], &format!("{}\n", ann.password()))?;
    ran.says(
        wrong.code,
        &["no terminal to ask for the password", "--password-stdin", "--code", "--provider", "Usage: "],
    )?;
    ensure!(wrong.code != 0 && wrong.code != 128 && ran.out.is_empty(), "{wrong:?} {ran:?}");
    ensure!(workspace.agent(&["whoami"])?.code == 1, "somebody is signed in");
    let nobody = workspace.agent(&["login"])?;
    nobody.says(wrong.code, &["--email"])?;
    Ok(())
}
