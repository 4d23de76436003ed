//! Credentials and personal data: what a save would send is looked at first, shown at its place without
//! being repeated, and stays here until it is redacted or allowed.

use agent_tests::scenes::{Pair, Side};
use agent_tests::{Backend, CacheFile, Capabilities, Editor, Team, Workspace, eventually};
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

/// One of each sort, put together here for the same reason. What stands first is public.
fn all_sorts() -> [(&'static str, String); 8] {
    let join = |parts: &[&str]| parts.concat();
    [
        ("AWS access key", key()),
        ("GitHub token", join(&["gh", "p_", "q7Rz3XgF2TvW9SjNc5KbY8LmD4HpE6AuZt1V"])),
        (
            "private key",
            join(&[
                "-----BEGIN ",
                "PRIVATE KEY-----\n",
                "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\nMzEfYyjiWA4R4ypbHqGC0H0+EpbZqmDhv5mLJ8W3r7x7b9k3e2m0n6w5Y1dVtQ8a\n",
                "-----END ",
                "PRIVATE KEY-----",
            ]),
        ),
        ("password", join(&["postgres://ann:", "hunter2secret", "@db.agent-tests.dev/app"])),
        ("mail address", mail()),
        ("phone number", join(&["+41 44 ", "668 18 00"])),
        ("card number", join(&["4539 1488 ", "0343 6467"])),
        ("IBAN", join(&["CH93 0076 2011 ", "6238 5295 7"])),
    ]
}

/// What must not be repeated of each: nothing longer than a public prefix.
fn secret_parts() -> Vec<String> {
    let whole = all_sorts();
    let mut parts: Vec<String> = whole.iter().map(|(_, text)| text.clone()).collect();
    parts.extend([key()[4..].to_owned(), whole[1].1[4..].to_owned(), "hunter2secret".to_owned()]);
    parts.extend(["MIIEvQIBADAN", "ann.lee", "668 18 00", "0343 6467", "6238 5295"].map(str::to_owned));
    parts
}

fn tells_none(said: &str, what: &str) -> Result<()> {
    for part in secret_parts() {
        ensure!(!said.contains(&part), "{what} tells {part:?}:\n{said}");
    }
    Ok(())
}

#[test]
fn nothing_found_is_said_in_clear_anywhere() -> Result<()> {
    let backend = Backend::shared()?;
    let user = backend.user("ann")?;
    let team = Team::create(&backend, &user)?;
    let mut workspace = Workspace::configured("ann", &team, "scan: {personal_data: block}")?;
    // The most talkative log there is.
    workspace.set_env("AGENT_LOG", "trace");
    workspace.login(&user)?;
    let mut side = Side::seated("Ann", workspace, user, Capabilities::default())?;
    let mut paths = Vec::new();
    for (number, (_, finding)) in (1..).zip(all_sorts()) {
        let path = path(&format!("K-1{number:02}"));
        side.workspace.write(&path, format!("# K Key\n\nbefore {finding} after\n"))?;
        paths.push(path);
    }
    side.editor.wait_status("all refused", |status| status["refused"] == 8)?;
    for (path, (name, _)) in paths.iter().zip(all_sorts()) {
        side.editor.open(path)?;
        let shown = side.editor.wait_diagnostics(path, name, |list| !list.is_empty())?;
        ensure!(
            shown[0]["message"]
                .as_str()
                .is_some_and(|said| said.to_lowercase().contains(&name.to_lowercase())),
            "{name}: {shown:?}"
        );
        // Whatever is offered, but the edits, which hold what stands there.
        for action in side.editor.code_actions(path, &shown[0])? {
            tells_none(&action["title"].to_string(), "an action")?;
        }
        side.editor.hover(path, 2)?;
        side.editor.lenses(path)?;
    }
    let mut said = vec![("the server's messages".to_owned(), side.editor.heard().join("\n"))];
    for command in [
        &["sync", "status"][..],
        &["sync", "status", "--json"],
        &["sync", "push"],
        &["sync", "push", "--json"],
        &["sync", "pull", "--json"],
        &["sync", "log"],
        &["sync", "log", "--json"],
        &["sync", "resolve", "--all", "--list", "--json"],
        &["state", "K-101", "--json"],
        &["audit", "--json"],
        &["whoami", "--json"],
    ] {
        let ran = side.workspace.agent(command)?;
        said.push((format!("{command:?}"), format!("{}{}", ran.out, ran.err)));
    }
    let names_it = |command: &str| {
        said.iter().any(|(what, text)| what == command && text.contains("line 3: AWS access key (AKIA…)"))
    };
    ensure!(
        names_it(r#"["sync", "status"]"#) && names_it(r#"["sync", "push", "--json"]"#),
        "what is held back is said: {said:?}"
    );
    said.push(("the log".to_owned(), side.editor.stderr()));
    let logs = side.workspace.file(".agent/logs");
    for entry in std::fs::read_dir(&logs).with_context(|| format!("{}", logs.display()))? {
        said.push((".agent/logs".to_owned(), std::fs::read_to_string(entry?.path())?));
    }
    // What the cache says beside the texts themselves: its reasons, and what it remembers.
    let cache = CacheFile::of(&side.workspace);
    for column in [
        "parked_message || ifnull(title, '') FROM artifacts",
        "detail FROM link",
        "name || value FROM remembered",
        "outcome FROM changes",
    ] {
        said.push((column.to_owned(), cache.column(column)?.join("\n")));
    }
    ensure!(
        cache.column("parked_message FROM artifacts WHERE parked_message <> ''")?.len() == 8,
        "eight reasons"
    );
    for (what, text) in said {
        tells_none(&text, &what)?;
    }
    ensure!(side.editor.stderr().contains("pull_artifacts"), "the log talks at all");
    ensure!(team.artifacts()?.is_empty(), "{:?}", team.artifacts()?);
    side.editor.shutdown()
}

/// Holds a text with a key and a mail address, under a configuration, against the codes that are shown and
/// what the team gets.
fn under(scan: &str, number: u32, codes: &[&str], sent: Option<&str>) -> Result<()> {
    let (team, mut side) = side(scan)?;
    let path = path(&format!("K-2{number:02}"));
    side.workspace.write(&path, both())?;
    another_goes_on(&team, &mut side)?;
    let there = team.artifacts()?.remove(&path).and_then(|there| there.content);
    ensure!(there.as_deref() == sent, "the team has {there:?}");
    side.editor.open(&path)?;
    // The state, which nobody knows, is shown in any case: nothing is still to come.
    let codes: Vec<&str> = codes.iter().copied().chain(["unknown-state"]).collect();
    side.editor.wait_diagnostics(&path, &format!("{codes:?}"), |list| {
        let mut shown: Vec<_> = list.iter().filter_map(|diagnostic| diagnostic["code"].as_str()).collect();
        shown.sort_unstable_by_key(|code| codes.iter().position(|known| known == code));
        shown == codes
    })?;
    side.editor.shutdown()
}

fn both() -> String {
    format!("# K Both\n\nState: ODD\n\n{} {}\n", key(), mail())
}

#[test]
fn each_configuration_does_what_it_says() -> Result<()> {
    let whole = both();
    let redacted = whole.replace(&mail(), "[redacted: mail-address]");
    let rows: [(&str, &[&str], Option<&str>); 7] = [
        ("scan: {secrets: block, personal_data: warn}", &["secret", "personal-data"], None),
        ("scan: {secrets: warn, personal_data: warn}", &["secret", "personal-data"], Some(&whole)),
        ("scan: {secrets: off, personal_data: off}", &[], Some(&whole)),
        ("scan: {secrets: warn, personal_data: block}", &["secret", "personal-data"], None),
        ("scan: {secrets: warn, personal_data: redact}", &["secret"], Some(&redacted)),
        ("scan: {secrets: off, personal_data: warn}", &["personal-data"], Some(&whole)),
        ("scan: {allow: [aws-access-key, mail-address]}", &[], Some(&whole)),
    ];
    for (number, (scan, codes, sent)) in (1..).zip(rows) {
        under(scan, number, codes, sent).with_context(|| scan.to_owned())?;
    }
    Ok(())
}

#[test]
fn a_command_holds_back_what_the_editor_would_and_says_why() -> Result<()> {
    let backend = Backend::shared()?;
    let user = backend.user("ann")?;
    let team = Team::create(&backend, &user)?;
    let workspace = Workspace::configured("ann", &team, "scan: {secrets: block, personal_data: redact}")?;
    workspace.login(&user)?;
    let (held, personal) = (path("K-301"), path("K-302"));
    workspace.write(&held, format!("# K Key\n\n{}\n", key()))?;
    let text = format!("# K Mail\n\n{}\n", mail());
    workspace.write(&personal, &text)?;
    // A push writes no file, so what it would have to redact waits, too.
    let pushed = workspace.agent(&["sync", "push", "--json"])?;
    ensure!(pushed.code == 1, "{pushed:?}");
    let json = pushed.json()?;
    let of = |id: &str| {
        let all = json["artifacts"].as_array().into_iter().flatten();
        all.clone().find(|one| one["id"] == id).cloned().with_context(|| format!("no {id} in {json:#}"))
    };
    ensure!(of("K-301")?["refused"]["code"] == "secret", "{json:#}");
    ensure!(of("K-302")?["refused"]["code"] == "personal_data", "{json:#}");
    ensure!(team.artifacts()?.is_empty(), "{:?}", team.artifacts()?);
    workspace.expect(&personal, Some(&text))?;
    // An editor may: it redacts the closed file, and that goes out; what was there stays to be found.
    let mut editor = Editor::start(&workspace)?;
    let clean = text.replace(&mail(), "[redacted: mail-address]");
    editor.wait_for("the redacted text", |_| team.expect(&personal, &clean))?;
    editor.shutdown()?;
    workspace.expect(&personal, Some(&clean))?;
    let again = workspace.agent(&["sync", "push"])?;
    ensure!(again.code == 1 && again.out.contains("line 3: AWS access key (AKIA…)"), "{again:?}");

    // Allowed here, it goes; an unknown setting is named.
    workspace.write(&held, format!("# K Key\n\n{} <!-- agent-allow: aws-access-key -->\n", key()))?;
    workspace.agent_ok(&["sync", "push"])?;
    team.expect(&held, &workspace.read(&held)?)?;
    for (wrong, words) in [
        ("secrets: maybe", ["maybe", "block"]),
        ("alow: [jwt]", ["alow", "allow"]),
        ("allow: [jtw]", ["jtw", "jwt"]),
    ] {
        let file = workspace.read(".agent/etc/sync.yaml")?;
        workspace.configure(&file.replace("secrets: block", wrong))?;
        let ran = workspace.agent(&["sync", "status"])?;
        ensure!(ran.code == 128 && words.iter().all(|word| ran.err.contains(word)), "{wrong}: {ran:?}");
        workspace.configure(&file)?;
    }
    Ok(())
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
