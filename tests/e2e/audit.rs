//! `agent audit`: everything that was done and refused, by whom and from where; all of it for an admin,
//! one's own part for others. And `.agent/logs/sync.log`, the machine's own.

use agent_tests::{Backend, Team, User, Workspace};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

struct Crew {
    ann: (User, Workspace),
    bob: (User, Workspace),
}

/// An admin and an editor, each with something done and the editor with something refused.
fn crew() -> Result<Crew> {
    let backend = Backend::shared()?;
    let (ann, bob) = (backend.user("ann")?, backend.user("bob")?);
    let team = Team::create(&backend, &ann)?;
    team.add(&bob, "editor")?;
    let machine = |name: &str, user: &User| {
        let workspace = Workspace::of_team(name, &team)?;
        workspace.login(user)?;
        anyhow::Ok(workspace)
    };
    let (anns, bobs) = (machine("ann", &ann)?, machine("bob", &bob)?);
    anns.write(".agent/stories/A-001-audit.md", "# A-001 Audit\n\nState: DRAFT\n\nsecret plans\n")?;
    anns.agent_ok(&["sync", "push"])?;
    bobs.agent_ok(&["sync", "pull"])?;
    bobs.agent_ok(&["state", "A-001", "OPEN"])?;
    let refused = bobs.agent(&["state", "A-001", "APPROVED"])?;
    ensure!(refused.code == 1, "{refused:?}");
    Ok(Crew { ann: (ann, anns), bob: (bob, bobs) })
}

fn entries(workspace: &Workspace, args: &[&str]) -> Result<Vec<Value>> {
    let args: Vec<&str> = ["audit", "--json"].iter().chain(args).copied().collect();
    let report = workspace.agent_ok(&args)?.json()?;
    let all = report["entries"].as_array().cloned();
    all.with_context(|| format!("no entries in {report}"))
}

#[test]
fn an_admin_sees_who_did_what_when_and_from_where_and_what_was_refused() -> Result<()> {
    let Crew { ann: (ann, anns), bob: (bob, _) } = crew()?;
    let all = entries(&anns, &[])?;
    let numbers: Vec<_> = all.iter().map(|entry| entry["entry"].as_u64()).collect();
    ensure!(numbers.windows(2).all(|pair| pair[0] > pair[1]), "newest first: {numbers:?}");
    let find = |outcome: &str, user: &User, to: &str| {
        let is_it = |entry: &&Value| {
            entry["outcome"] == outcome
                && entry["user_name"] == user.email.as_str()
                && entry["state_after"] == to
        };
        all.iter().find(is_it).with_context(|| format!("no {outcome} to {to}: {all:#?}"))
    };
    let made = find("applied", &ann, "DRAFT")?;
    ensure!(made["kind"] == "story" && made["id"] == "A-001" && made["to_version"] == 1, "{made}");
    ensure!(made["bytes_before"].is_null() && made["bytes_after"] == 42, "{made}");
    let moved = find("applied", &bob, "OPEN")?;
    ensure!(
        moved["from_version"] == 1 && moved["to_version"] == 2 && moved["state_before"] == "DRAFT",
        "{moved}"
    );
    let refused = find("rejected", &bob, "APPROVED")?;
    ensure!(refused["to_version"].is_null() && refused["reason"].as_str().is_some(), "{refused}");
    for entry in [made, moved, refused] {
        ensure!(entry["at"].as_str().is_some_and(|at| at.parse::<jiff::Timestamp>().is_ok()), "{entry}");
        ensure!(entry["session"].as_str().is_some_and(|session| session.len() == 36), "{entry}");
        ensure!(entry["client"].as_str().is_some_and(|client| client.starts_with("agent/")), "{entry}");
    }
    ensure!(made["session"] != moved["session"], "two people, two sessions");
    ensure!(!format!("{all:?}").contains("secret plans"), "never a content");

    let text = anns.agent_ok(&["audit"])?;
    let line = text.out.lines().find(|line| line.contains("OPEN → APPROVED"));
    let line = line.with_context(|| format!("no refusal in {}", text.out))?;
    ensure!(line.contains(&bob.email) && line.contains("rejected") && line.contains("story/A-001"), "{line}");
    Ok(())
}

#[test]
fn it_is_narrowed_by_person_and_time_and_others_see_only_their_own() -> Result<()> {
    let Crew { ann: (ann, anns), bob: (bob, bobs) } = crew()?;
    let all = entries(&anns, &[])?;
    let of = |user: &User| all.iter().filter(|entry| entry["user_name"] == user.email.as_str()).count();
    let bobs_id = all.iter().find(|entry| entry["user_name"] == bob.email.as_str());
    let bobs_id = bobs_id.and_then(|entry| entry["user_id"].as_str()).context("no id")?;
    for name in [bob.email.as_str(), &bob.email.to_uppercase(), bobs_id] {
        let his = entries(&anns, &["--user", name])?;
        ensure!(
            his.len() == of(&bob) && his.iter().all(|entry| entry["user_id"] == bobs_id),
            "{name}: {his:#?}"
        );
    }
    let nobody = anns.agent(&["audit", "--user", "nobody@example.com"])?;
    nobody.says(128, &["nobody in the team is called so"])?;
    ensure!(nobody.err.contains(&ann.email) && nobody.err.contains(&bob.email), "{nobody:?}");

    ensure!(entries(&anns, &["--since", "1h"])?.len() == all.len(), "all of it is younger than an hour");
    ensure!(entries(&anns, &["--since", "2000-01-01"])?.len() == all.len(), "and than that");
    let at = all[all.len() / 2]["at"].as_str().context("no time")?;
    let since = entries(&anns, &["--since", at])?;
    ensure!(since.len() == all.len() / 2 + 1, "from {at} on: {since:#?}");
    let later = anns.agent_ok(&["audit", "--since", "2999-01-01"])?;
    ensure!(later.out == "Nothing is in the log.\n", "{later:?}");
    anns.agent(&["audit", "--since", "yesterday"])?.says(128, &["is no moment; write 2026-01-31"])?;

    let two = anns.agent_ok(&["audit", "-n", "2", "--json"])?.json()?;
    ensure!(
        two["entries"].as_array().is_some_and(|two| two[..] == all[..2]) && two["more"] == true,
        "{two:#}"
    );
    let text = anns.agent_ok(&["audit", "-n", "2"])?;
    ensure!(text.out.contains("older"), "{text:?}");

    let own = entries(&bobs, &[])?;
    ensure!(own.len() == of(&bob) && own.iter().all(|entry| entry["user_id"] == bobs_id), "{own:#?}");
    ensure!(entries(&bobs, &["--user", &bob.email])? == own, "asked for by name");
    bobs.agent(&["audit", "--user", &ann.email])?
        .says(128, &["only an admin of the team sees what others did"])?;
    let json = bobs.agent(&["audit", "--user", &ann.email, "--json"])?;
    ensure!(json.code == 128 && json.json()?["error"]["message"].is_string(), "{json:?}");
    Ok(())
}

#[test]
fn this_machines_log_has_a_line_for_each_operation_and_no_text() -> Result<()> {
    let Crew { bob: (_, bobs), .. } = crew()?;
    let log = bobs.read(".agent/logs/sync.log")?;
    let lines: Vec<Value> = log.lines().map(serde_json::from_str).collect::<serde_json::Result<_>>()?;
    let causes: Vec<_> = lines.iter().filter_map(|line| line["cause"].as_str()).collect();
    ensure!(causes == ["received", "updated", "settled", "saved", "pushed", "saved", "refused"], "{log}");
    for line in &lines {
        let fields: Vec<_> = line.as_object().context("no object")?.keys().map(String::as_str).collect();
        let known = ["artifact", "at", "cause", "change", "code", "operation", "outcome", "seq", "version"];
        ensure!(fields.iter().all(|field| known.contains(field)), "{line}");
        ensure!(line["at"].as_str().is_some_and(|at| at.parse::<jiff::Timestamp>().is_ok()), "{line}");
        ensure!(line["artifact"] == "story/A-001" && line["operation"].is_string(), "{line}");
    }
    ensure!(
        lines[4]["outcome"] == "done" && lines[4]["version"] == 2 && lines[4]["change"].is_string(),
        "{log}"
    );
    ensure!(lines[6]["outcome"] == "refused" && lines[6]["code"] == "state", "{log}");
    ensure!(!log.contains("secret plans") && !log.contains("Audit"), "never a text or a title: {log}");
    // Nobody else on the machine reads it, and Git does not see it.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(bobs.file(".agent/logs/sync.log"))?.permissions().mode() & 0o777;
        ensure!(mode == 0o600, "{mode:o}");
    }
    bobs.agent_ok(&["sync", "init"])?;
    ensure!(bobs.read(".agent/.gitignore")?.lines().any(|line| line == "/logs/"), "Git sees the log");
    Ok(())
}
