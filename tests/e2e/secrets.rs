//! Credentials and personal data: what a save would send is looked at first, shown at its place without
//! being repeated, and stays here until it is redacted or allowed.

use agent_tests::scenes::{Pair, Side};
use agent_tests::{Backend, Capabilities, Team, eventually};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// Put together here, so that no scanner takes this file for a leak.
fn key() -> String {
    ["AK", "IA", "QZRY7XGF2TVW3SJN"].concat()
}

fn mail() -> String {
    ["ann.lee", "agent-tests.dev"].join("@")
}

fn side(sync: &str) -> Result<(Team, Side)> {
    let backend = Backend::shared()?;
    let user = backend.user("ann")?;
    let team = Team::create(&backend, &user)?;
    let side = match sync {
        "" => Side::new("Ann", &team, user, Capabilities::default())?,
        sync => Side::configured("Ann", &team, user, sync)?,
    };
    Ok((team, side))
}

fn path(id: &str) -> String {
    format!(".agent/stories/{id}-secret.md")
}

/// Another artifact reaches the team, and so everything that was saved before it had its turn.
fn another_goes_on(team: &Team, side: &mut Side) -> Result<()> {
    let other = path("K-999");
    side.workspace.write(&other, "# K-999 Other\n")?;
    eventually("the other artifact at the remote", || team.expect(&other, "# K-999 Other\n").map(drop))
}

/// A document with the key behind characters of every width, saved and shown.
fn saved_key(team: &Team, side: &mut Side, path: &str) -> Result<(String, Value)> {
    let text = format!("# K Key\n\né𝄞👩‍👩‍👧 {} end\n", key());
    side.workspace.write(path, "# K Key\n")?;
    eventually("the first version", || team.expect(path, "# K Key\n").map(drop))?;
    side.editor.open(path)?;
    side.editor.set_text(path, &text)?;
    side.editor.save(path)?;
    another_goes_on(team, side)?;
    let held = side.editor.wait_diagnostics(path, "the key, held back", |list| {
        list.len() == 1 && list[0]["code"] == "secret" && list[0]["severity"] == 1
    })?;
    side.editor.wait_status("refused", |status| status["refused"] == 1)?;
    team.expect(path, "# K Key\n")?;
    Ok((text, held[0].clone()))
}

#[test]
fn a_key_is_never_sent_and_goes_out_redacted() -> Result<()> {
    let (team, mut side) = side("")?;
    let path = path("K-001");
    let (text, shown) = saved_key(&team, &mut side, &path)?;
    side.editor.apply(&path, &shown, "Redact AWS access key")?;
    let clean = text.replace(&key(), "[redacted: aws-access-key]");
    ensure!(side.editor.text(&path)? == clean, "the action changes the key and nothing else");
    side.editor.wait_codes(&path, &[])?;
    side.editor.save(&path)?;
    eventually("the redacted text", || team.expect(&path, &clean).map(drop))?;
    let history = team.history("story", "K-001")?;
    ensure!(history.len() == 2 && history.iter().all(|text| !text.contains(&key())), "{history:?}");
    // What was saved stays here.
    side.workspace.expect(&path, Some(&clean))
}

#[test]
fn a_key_that_is_allowed_here_goes_out() -> Result<()> {
    let (team, mut side) = side("")?;
    let path = path("K-002");
    let (text, shown) = saved_key(&team, &mut side, &path)?;
    side.editor.apply(&path, &shown, "Allow AWS access key")?;
    side.editor.wait_codes(&path, &[])?;
    side.editor.save(&path)?;
    let allowed = text.replace(" end\n", " end <!-- agent-allow: aws-access-key -->\n");
    eventually("the text with its comment", || team.expect(&path, &allowed).map(drop))
}

#[test]
fn nothing_found_is_said_in_clear() -> Result<()> {
    let (team, mut side) = side("")?;
    let path = path("K-003");
    let (_, shown) = saved_key(&team, &mut side, &path)?;
    ensure!(shown["message"].as_str().is_some_and(|said| said.contains("AWS access key (AKIA…)")), "{shown}");
    let mut said = vec![shown.to_string(), side.editor.stderr()];
    for command in [
        &["sync", "status"][..],
        &["sync", "status", "--json"],
        &["sync", "push"],
        &["sync", "push", "--json"],
        &["sync", "log", "--json"],
    ] {
        let ran = side.workspace.agent(command)?;
        let all = format!("{}{}", ran.out, ran.err);
        let names_it = all.contains("line 3: AWS access key (AKIA…)");
        ensure!(names_it || command[1] == "log", "{command:?} does not say what is held back: {all}");
        said.push(all);
    }
    let logs = side.workspace.file(".agent/logs");
    for entry in std::fs::read_dir(&logs).with_context(|| format!("{}", logs.display()))? {
        said.push(std::fs::read_to_string(entry?.path())?);
    }
    for said in said {
        ensure!(!said.contains(&key()[4..]), "the key is in {said}");
    }
    team.expect(&path, "# K Key\n").map(drop)
}

#[test]
fn what_the_team_has_already_is_taken_and_shown_and_holds_nothing_back() -> Result<()> {
    let (team, ann) = side("scan: {secrets: warn}")?;
    let path = path("K-004");
    let text = format!("# K Key\n\n{}\n\nbody\n", key());
    ann.workspace.write(&path, &text)?;
    eventually("the key at the remote", || team.expect(&path, &text).map(drop))?;
    let bob = team.backend.user("bob")?;
    team.add(&bob, "editor")?;
    let mut bob = Side::new("Bob", &team, bob, Capabilities::default())?;
    eventually("the key on Bob's disk", || bob.workspace.expect(&path, Some(&text)))?;
    bob.editor.open(&path)?;
    let shown = bob.editor.wait_codes(&path, &["secret"])?;
    ensure!(shown[0]["severity"] == 2 && shown[0]["message"].to_string().contains("already"), "{shown:?}");
    bob.editor.replace(&path, "body", "body by Bob")?;
    bob.editor.save(&path)?;
    let changed = text.replace("body", "body by Bob");
    eventually("Bob's change", || team.expect(&path, &changed).map(drop))?;
    ann.editor.shutdown()?;
    bob.editor.shutdown()
}

#[test]
fn personal_data_is_shown_and_sent_unless_it_is_configured_otherwise() -> Result<()> {
    let backend = Backend::shared()?;
    let mut pair = Pair::new(&backend)?;
    let (path, text) = (path("K-005"), format!("# K Mail\n\nask {}\n", mail()));
    pair.ann.workspace.write(&path, &text)?;
    pair.agree(&path, Some(&text))?;
    pair.ann.editor.open(&path)?;
    let shown = pair.ann.editor.wait_codes(&path, &["personal-data"])?;
    ensure!(!shown[0].to_string().contains(&mail()), "{shown:?}");

    let (team, side) = side("scan: {personal_data: redact}")?;
    side.workspace.write(&path, &text)?;
    let clean = text.replace(&mail(), "[redacted: mail-address]");
    eventually("the redacted text", || team.expect(&path, &clean).map(drop))?;
    side.workspace.expect(&path, Some(&clean))?;
    ensure!(team.history("story", "K-005")? == [clean], "nothing else was ever sent");
    let log = side.workspace.agent_ok(&["sync", "log", "K-005", "--json"])?;
    ensure!(log.json()?["operations"].as_array().is_some_and(|all| all.len() >= 2), "{log:?}");
    side.editor.shutdown()
}
