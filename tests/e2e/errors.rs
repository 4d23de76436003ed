//! Wrong settings, wrong keys, sessions that ended, files that cannot be read: a clear word, no panic,
//! no loss, and an editor that keeps working.

use std::sync::Arc;

use agent_remote::schema::SCHEMA_VERSION;
use agent_tests::scenes::Pair;
use agent_tests::{Backend, Editor, Options, Team, Workspace, eventually};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

const PATH: &str = ".agent/plans/X-001-wrong.md";
const TEXT: &str = "# X-001 Wrong\n\nbody\n";

/// The editor works, what it saves is kept, and both it and the command line say what is wrong.
fn keeps_working(workspace: &Workspace, states: &[&str], says: &[&str]) -> Result<()> {
    workspace.write(PATH, TEXT)?;
    let mut editor = Editor::start(workspace)?;
    let is_it = |status: &Value| states.iter().any(|state| status["state"] == *state);
    editor.wait_status(&format!("one of {states:?}"), is_it)?;
    let problem = editor.status()["problem"].as_str().unwrap_or_default().to_owned();
    editor.open(PATH)?;
    editor.replace(PATH, "body", "body, saved")?;
    editor.save(PATH)?;
    editor.hover(PATH, 0)?;
    editor.wait_status("kept", |status| status["waiting"] == 1)?;
    editor.shutdown()?;
    for command in [["sync", "pull"], ["sync", "push"]] {
        let ran = workspace.agent(&command)?;
        let said = format!("{}{}", ran.out, ran.err);
        ensure!(ran.code != 0, "{command:?} should not succeed: {ran:?}");
        for word in says {
            ensure!(said.contains(word), "no {word:?} in what {command:?} said: {said}");
            ensure!(problem.contains(word), "no {word:?} in the status: {problem}");
        }
    }
    workspace.expect(PATH, Some(&TEXT.replace("body", "body, saved")))
}

fn team_of(backend: &Arc<Backend>) -> Result<(Team, agent_tests::User)> {
    let user = backend.user("ann")?;
    Ok((Team::create(backend, &user)?, user))
}

#[test]
fn a_wrong_address() -> Result<()> {
    let (team, user) = team_of(&Backend::shared()?)?;
    let workspace = Workspace::of_team("address", &team)?;
    workspace.login(&user)?;
    let yaml = workspace.read(".agent/etc/sync.yaml")?;
    workspace.configure(&yaml.replace(team.backend.url(), "http://127.0.0.1:9"))?;
    keeps_working(&workspace, &["signed-out", "offline"], &[])
}

#[test]
fn a_wrong_key() -> Result<()> {
    let (team, user) = team_of(&Backend::shared()?)?;
    let mut workspace = Workspace::of_team("key", &team)?;
    workspace.login(&user)?;
    workspace.set_anon_key("sb_publishable_of_another_project");
    keeps_working(&workspace, &["broken"], &["key"])?;
    workspace.set_anon_key("sb_secret_must_never_be_here");
    let ran = workspace.agent(&["sync", "pull"])?;
    ensure!(ran.code != 0 && format!("{}{}", ran.out, ran.err).contains("secret"), "{ran:?}");
    workspace.set_anon_key("");
    keeps_working(&workspace, &["broken"], &["SUPABASE_ANON_KEY"])
}

#[test]
fn nobody_signed_in() -> Result<()> {
    let (team, _) = team_of(&Backend::shared()?)?;
    let workspace = Workspace::of_team("nobody", &team)?;
    keeps_working(&workspace, &["signed-out"], &["agent login"])
}

#[test]
fn a_session_that_ended_and_a_new_one() -> Result<()> {
    let backend = Backend::shared()?;
    let mut pair = Pair::new(&backend)?;
    pair.share(PATH, TEXT)?;
    pair.bob.editor.shutdown_and(|| spoil_sessions(&pair.bob.workspace))?;
    let mut editor = Editor::start(&pair.bob.workspace)?;
    editor.wait_status("signed out", |status| status["state"] == "signed-out")?;
    editor.open(PATH)?;
    editor.replace(PATH, "body", "body, saved")?;
    editor.save(PATH)?;
    editor.wait_status("kept", |status| status["waiting"] == 1)?;
    pair.bob.workspace.login(&pair.bob.user)?;
    pair.bob.editor = editor;
    pair.agree(PATH, Some(&TEXT.replace("body", "body, saved")))
}

/// As if the server had ended the session: neither token is worth anything any more.
fn spoil_sessions(workspace: &Workspace) -> Result<()> {
    let mut spoiled = 0;
    for entry in std::fs::read_dir(workspace.home().join("sessions"))? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let mut file: Value = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
        file["session"]["refresh_token"] = json!("ended");
        file["session"]["expires_at"] = json!(0);
        std::fs::write(&path, file.to_string())?;
        spoiled += 1;
    }
    ensure!(spoiled == 1, "{spoiled} session files");
    Ok(())
}

#[test]
fn tokens_that_live_for_seconds() -> Result<()> {
    let options = Options { jwt_expiry: Some(3), ..Options::default() };
    let backend = Arc::new(Backend::start_with(options, &mut |_| {})?);
    let (user, mate) = (backend.user("ann")?, backend.user("bob")?);
    let team = Team::create(&backend, &user)?;
    team.add(&mate, "editor")?;
    let [ann, bob] = [("ann", &user), ("bob", &mate)].map(|(name, user)| {
        let workspace = Workspace::of_team(name, &team)?;
        workspace.login(user)?;
        Ok::<_, anyhow::Error>(workspace)
    });
    let (ann, bob) = (ann?, bob?);
    let (anns, bobs) = (Editor::start(&ann)?, Editor::start(&bob)?);
    for round in 0..6 {
        let text = format!("# X-001 Wrong\n\nround {round}\n");
        let (from, to) = if round % 2 == 0 { (&ann, &bob) } else { (&bob, &ann) };
        from.write(PATH, &text)?;
        let arrived = eventually("the file at the other side", || to.expect(PATH, Some(&text)));
        arrived.with_context(|| format!("{}\n\n{}", anns.conversation(), bobs.conversation()))?;
    }
    Ok(())
}

/// A backend of its own with the project's migrations, but for those before `from_here_on`, or with one more.
fn of_another_age(is_there: impl Fn(&str) -> bool, more: &str) -> Result<Arc<Backend>> {
    let folder = tempfile::tempdir()?;
    for file in std::fs::read_dir(agent_tests::project().join("supabase/migrations"))? {
        let file = file?;
        if file.file_name().to_str().is_some_and(&is_there) {
            std::fs::copy(file.path(), folder.path().join(file.file_name()))?;
        }
    }
    std::fs::write(folder.path().join("20990101000000_later.sql"), more)?;
    let options = Options { migrations: Some(folder.path().to_owned()), ..Options::default() };
    Ok(Arc::new(Backend::start_with(options, &mut |_| {})?))
}

fn says(backend: &Arc<Backend>, words: &[&str]) -> Result<()> {
    let (team, user) = team_of(backend)?;
    let workspace = Workspace::of_team("age", &team)?;
    workspace.login(&user)?;
    keeps_working(&workspace, &["broken"], words)?;
    let key = json!({ "team": team.id, "after_seq": 0 });
    let there = backend.rpc(&user, "pull_artifacts", &key)?;
    ensure!(there["rows"] == json!([]), "something was exchanged: {there}");
    Ok(())
}

#[test]
fn a_project_that_is_older_than_the_program() -> Result<()> {
    let needs = format!("needs {SCHEMA_VERSION}");
    let backend = of_another_age(|name| name < "20260201001500", "select 1")?;
    says(&backend, &["schema 2 or an older one", &needs, "supabase db push"])?;
    let backend = of_another_age(|name| name < "20260201001800", "select 1")?;
    says(&backend, &["keeps schema 3", &needs, "supabase db push"])
}

#[test]
fn a_project_that_is_newer_than_the_program() -> Result<()> {
    let number = |function: &str, number: u32| {
        format!(
            "create or replace function {function}() returns int language sql immutable as 'select {number}';"
        )
    };
    let newer = number("public.schema_version", 99);
    let backend = of_another_age(|_| true, &(newer.clone() + &number("private.oldest_client", 98)))?;
    says(&backend, &["schema 99", "from 98 on", &format!("knows {SCHEMA_VERSION}"), "update agent"])?;
    // As long as it serves the program, nobody has to do anything.
    let backend = of_another_age(|_| true, &newer)?;
    let (team, user) = team_of(&backend)?;
    let workspace = Workspace::of_team("age", &team)?;
    workspace.login(&user)?;
    workspace.write(PATH, TEXT)?;
    workspace.agent_ok(&["sync", "push"])?;
    team.expect(PATH, TEXT).map(drop)
}

#[test]
fn a_configuration_that_cannot_be_read() -> Result<()> {
    let (team, user) = team_of(&Backend::shared()?)?;
    let workspace = Workspace::of_team("yaml", &team)?;
    workspace.login(&user)?;
    workspace.write(PATH, TEXT)?;
    let config = ".agent/etc/sync.yaml";
    let good = workspace.read(config)?;
    let table = [
        (
            good.replace("team_id", "team_ip"),
            vec!["sync.yaml", "team_ip", "did you mean", "team_id", "line 4"],
        ),
        (good.replace("remote:", "remote: ["), vec!["sync.yaml", "line"]),
        (good.replace("auto_push: true", "auto_push: perhaps"), vec!["sync.yaml", "line 6"]),
        (
            good.replace("${SUPABASE_ANON_KEY}", "sb_publishable_written_out"),
            vec!["sync.yaml", "SUPABASE_ANON_KEY"],
        ),
    ];
    for (bad, words) in table {
        workspace.configure(&bad)?;
        let ran = workspace.agent(&["sync", "status"])?;
        ensure!(ran.code != 0, "{ran:?}");
        let mut editor = Editor::start(&workspace)?;
        let said = editor.wait_message("about the configuration", |said| said.contains("sync.yaml"))?;
        for word in &words {
            ensure!(
                said.contains(word) && ran.err.contains(word),
                "no {word:?} in {said:?} or {:?}",
                ran.err
            );
        }
        editor.open(PATH)?;
        editor.hover(PATH, 0)?;
        // Put right and saved in the editor, it works at once.
        editor.open(config)?;
        editor.set_text(config, &good)?;
        editor.save(config)?;
        editor.wait_live()?;
        editor.shutdown()?;
    }
    team.expect(PATH, TEXT).map(drop)
}

#[test]
fn a_cache_that_cannot_be_read_is_set_aside_and_built_again() -> Result<()> {
    let backend = Backend::shared()?;
    let mut pair = Pair::new(&backend)?;
    pair.share(PATH, TEXT)?;
    pair.bob.editor.shutdown_and(|| {
        for more in ["agent.db-wal", "agent.db-shm"] {
            let _ = pair.bob.workspace.remove(&format!(".agent/cache/{more}"));
        }
        pair.bob.workspace.write(".agent/cache/agent.db", "this is no database at all".repeat(500))
    })?;
    // What was changed meanwhile, on both sides, is not lost either.
    pair.bob.workspace.write(".agent/plans/X-002-new.md", "# X-002 New\n")?;
    pair.ann.editor.open(PATH)?;
    pair.ann.edit(PATH, "body", "body by Ann")?;
    eventually("Ann's push", || pair.team.expect(PATH, &TEXT.replace("body", "body by Ann")))?;
    pair.bob.editor = Editor::start(&pair.bob.workspace)?;
    let said = pair.bob.editor.wait_message("the cache is rebuilt", |said| said.contains("cache"))?;
    ensure!(said.contains("rebuilt") && said.contains("agent.db"), "{said}");
    pair.agree(PATH, Some(&TEXT.replace("body", "body by Ann")))?;
    pair.agree(".agent/plans/X-002-new.md", Some("# X-002 New\n"))
}
