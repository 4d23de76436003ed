//! `--dry-run` says exactly what the real run then does, for every command that has it, and changes
//! nothing: each is run both ways, and the two reports are compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use agent_tests::{Backend, Team, Workspace};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// What only the deed can know: counts of requests, and what the server makes up.
const OF_THE_DEED: [&str; 2] = ["dry_run", "requests"];

/// Which commands were tried.
#[derive(Default)]
struct Tried(BTreeSet<String>);

impl Tried {
    /// Runs a command both ways. `unknown` are fields whose value the plan cannot know.
    fn both(&mut self, place: &Workspace, command: &str, args: &[&str], unknown: &[&str]) -> Result<Value> {
        self.reading(place, command, args, unknown, "")
    }

    fn reading(
        &mut self,
        place: &Workspace,
        command: &str,
        args: &[&str],
        unknown: &[&str],
        input: &str,
    ) -> Result<Value> {
        let run = |more: &[&str]| {
            let words: Vec<&str> = command.split(' ').chain(args.iter().copied()).collect();
            place.agent_with(&[&words, more].concat(), input)
        };
        let before = everything(place)?;
        let told = run(&["--dry-run"])?;
        let plan = run(&["--dry-run", "--json"])?;
        let after = everything(place)?;
        let files: Vec<_> = after
            .0
            .iter()
            .filter(|(name, text)| before.0.get(*name) != Some(*text))
            .map(|(name, _)| name)
            .collect();
        ensure!(
            after == before,
            "agent {command} {args:?} --dry-run changed {files:?}: {:?} {:?}",
            before.1,
            after.1
        );
        let deed = run(&["--json"])?;
        ensure!(plan.code == deed.code && told.code == deed.code, "{command} {args:?}: {plan:?} / {deed:?}");
        let (mut planned, mut done) = (plan.json()?, deed.json()?);
        ensure!(planned["dry_run"] == true && done["dry_run"] == false, "{planned}\n{done}");
        for fields in [&mut planned, &mut done] {
            let fields = fields.as_object_mut().context("a report is an object")?;
            fields
                .retain(|name, _| !OF_THE_DEED.contains(&name.as_str()) && !unknown.contains(&name.as_str()));
        }
        in_the_past(&mut planned);
        ensure!(planned == done, "agent {command} {args:?} planned\n{planned:#}\nand did\n{done:#}");
        self.0.insert(command.replace(' ', "-"));
        Ok(done)
    }
}

/// A plan's words as those of the deed.
fn in_the_past(report: &mut Value) {
    match report {
        Value::Object(fields) => fields.values_mut().for_each(in_the_past),
        Value::Array(items) => items.iter_mut().for_each(in_the_past),
        Value::String(word) => {
            let past = match word.as_str() {
                "would-push" => "pushed",
                "would-create" => "created",
                "would-update" => "updated",
                "would-merge" => "merged",
                "would-move" => "moved",
                "would-delete" => "deleted",
                other => other,
            };
            *word = past.to_owned();
        }
        _ => {}
    }
}

type Everything = (BTreeMap<String, Vec<u8>>, Option<(String, String)>);

/// Every file but the database's, and what the cache says of each artifact.
fn everything(place: &Workspace) -> Result<Everything> {
    let said = match place.file(".agent/etc/sync.yaml").exists() {
        // First, because a look at the status takes in what was saved.
        true => Some((
            place.agent_ok(&["sync", "status", "--all", "--json"])?.out,
            place.agent_ok(&["sync", "log", "--offline", "-n", "100000", "--json"])?.out,
        )),
        false => None,
    };
    let mut files = BTreeMap::new();
    for entry in walkdir::WalkDir::new(place.root().parent().context("a folder above")?) {
        let entry = entry?;
        let name = entry.path().to_string_lossy().into_owned();
        if entry.file_type().is_file() && !name.contains(".agent/cache/agent.") {
            files.insert(name, fs::read(entry.path())?);
        }
    }
    Ok((files, said))
}

fn path(id: &str) -> String {
    format!(".agent/stories/{id}-story.md")
}

fn text(id: &str) -> String {
    format!("# {id} Story\n\n## State\n\nDRAFT\n\n## One\n\none\n\n## Two\n\ntwo\n\n## Three\n\nthree\n")
}

fn change(place: &Workspace, id: &str, old: &str, new: &str) -> Result<()> {
    let text = place.read(&path(id))?;
    ensure!(text.contains(old), "{old:?} is not in {text:?}");
    place.write(&path(id), text.replace(old, new))
}

fn results(report: &Value) -> BTreeMap<&str, &str> {
    let rows = report["artifacts"].as_array().into_iter().flatten();
    rows.filter_map(|row| Some((row["id"].as_str()?, row["result"].as_str()?))).collect()
}

#[test]
fn a_plan_is_what_is_then_done() -> Result<()> {
    let backend = Backend::shared()?;
    let (ann_user, bob_user) = (backend.user("ann")?, backend.user("bob")?);
    let team = Team::create(&backend, &ann_user)?;
    team.add(&bob_user, "editor")?;
    let place = |name: &str, sync: &str| Workspace::configured(name, &team, sync);
    let (ann, bob) = (place("ann", "auto_push: true")?, place("bob", "auto_push: true")?);
    ann.login(&ann_user)?;
    bob.login(&bob_user)?;
    let mut tried = Tried::default();
    preparing(&mut tried)?;
    pushing(&mut tried, &ann)?;
    pulling(&mut tried, &ann, &bob)?;
    let winner = place("carl", "conflict_strategy: remote_wins")?;
    winner.login(&bob_user)?;
    a_strategy_is_part_of_the_plan(&mut tried, &ann, &winner)?;
    resolving(&mut tried, &ann, &bob)?;
    looking_back(&mut tried, &bob)?;
    making(&mut tried, &bob)?;
    exchanging(&mut tried, &bob)?;
    being_a_team(&mut tried, &backend, &team, &ann)?;
    tried.both(&bob, "logout", &[], &[])?;
    every_command_was_tried(&tried, &ann)
}

fn preparing(tried: &mut Tried) -> Result<()> {
    let place = Workspace::new("new")?;
    place.write(&path("S-001"), text("S-001"))?;
    let args = ["--url", "https://example.supabase.co"];
    // What comes next is said when there is something to go on with.
    let done = tried.both(&place, "sync init", &args, &["next"])?;
    ensure!(
        done["kinds"]["story"] == 1 && done["created"].as_array().is_some_and(|it| it.len() == 3),
        "{done}"
    );
    let git = place.command_of("git")?.args(["init", "-q"]).status()?;
    ensure!(git.success(), "git init");
    tried.both(&place, "git install", &[], &[])?;
    tried.both(&place, "git install", &[], &[])?;
    tried.both(&place, "git uninstall", &[], &[])?;
    let printed = place.agent_ok(&["man", "pages", "--dry-run"])?.out;
    ensure!(!place.file("pages").exists(), "a dry run wrote pages");
    let written = place.agent_ok(&["man", "pages"])?.out;
    ensure!(printed.replace("Would write", "Wrote") == written, "{printed} / {written}");
    tried.0.insert("man".to_owned());
    Ok(())
}

fn pushing(tried: &mut Tried, ann: &Workspace) -> Result<()> {
    for id in ["S-001", "S-002", "S-003", "S-004", "S-005", "S-006"] {
        ann.write(&path(id), text(id))?;
    }
    let done = tried.both(ann, "sync push", &[], &[])?;
    ensure!(
        results(&done).values().all(|result| *result == "pushed") && results(&done).len() == 6,
        "{done:#}"
    );
    change(ann, "S-001", "one\n", "one by Ann\n")?;
    ann.remove(&path("S-006"))?;
    ann.write(
        &path("S-007"),
        text("S-007") + "\nkey: AKIAIOSFODNN7EXAMPLE\n".replace("EXAMPLE", "Q3ZL5RT").as_str(),
    )?;
    let done = tried.both(ann, "sync push", &[], &[])?;
    let expected = [("S-001", "pushed"), ("S-006", "pushed"), ("S-007", "refused")];
    ensure!(results(&done) == BTreeMap::from(expected), "{done:#}");
    ann.remove(&path("S-007"))?;
    for number in 0..12 {
        ann.write(&path(&format!("MANY-{number}")), text("MANY"))?;
    }
    ann.agent_ok(&["sync", "push"])?;
    fs::rename(ann.file(".agent/stories"), ann.file("elsewhere"))?;
    let done = tried.both(ann, "sync push", &[], &[])?;
    ensure!(results(&done).values().all(|result| *result == "refused"), "{done:#}");
    fs::rename(ann.file("elsewhere"), ann.file(".agent/stories"))?;
    for number in 0..12 {
        ann.remove(&path(&format!("MANY-{number}")))?;
    }
    let done = tried.both(ann, "sync push", &["--allow-deletions"], &[])?;
    ensure!(results(&done).len() == 12, "{done:#}");
    tried.both(ann, "sync push", &[], &[]).map(drop)
}

fn pulling(tried: &mut Tried, ann: &Workspace, bob: &Workspace) -> Result<()> {
    let done = tried.both(bob, "sync pull", &[], &[])?;
    ensure!(results(&done).len() == 5 && results(&done).values().all(|it| *it == "created"), "{done:#}");
    change(ann, "S-001", "one by Ann\n", "one by Ann again\n")?;
    change(ann, "S-002", "one\n", "one by Ann\n")?;
    change(ann, "S-003", "one\n", "one by Ann\n")?;
    ann.remove(&path("S-004"))?;
    fs::rename(ann.file(&path("S-005")), ann.file(".agent/stories/S-005-moved.md"))?;
    ann.agent_ok(&["sync", "push"])?;
    change(bob, "S-002", "three\n", "three by Bob\n")?;
    change(bob, "S-003", "one\n", "one by Bob\n")?;
    let done = tried.both(bob, "sync pull", &[], &[])?;
    let expected = [
        ("S-001", "updated"),
        ("S-002", "merged"),
        ("S-003", "conflict"),
        ("S-004", "deleted"),
        ("S-005", "moved"),
    ];
    ensure!(results(&done) == BTreeMap::from(expected), "{done:#}");
    Ok(())
}

fn a_strategy_is_part_of_the_plan(tried: &mut Tried, ann: &Workspace, winner: &Workspace) -> Result<()> {
    winner.agent_ok(&["sync", "pull"])?;
    change(winner, "S-001", "two\n", "two here\n")?;
    change(ann, "S-001", "two\n", "two there\n")?;
    ann.agent_ok(&["sync", "push"])?;
    let done = tried.both(winner, "sync pull", &[], &[])?;
    ensure!(results(&done)["S-001"] == "updated", "{done:#}");
    let mine = winner.read(&path("S-001"))?;
    ensure!(mine.contains("two there"), "{mine}");
    Ok(())
}

fn resolving(tried: &mut Tried, ann: &Workspace, bob: &Workspace) -> Result<()> {
    tried.both(bob, "sync resolve", &["--all", "--ours"], &[])?;
    bob.agent(&["sync", "push"])?;
    bob.agent_ok(&["sync", "pull"])?;
    bob.agent_ok(&["sync", "push"])?;
    ann.agent_ok(&["sync", "pull"])?;
    let (mut round, choices) = (0, ["--theirs", "--union", "--merge", "--ours"]);
    for args in choices
        .map(|choice| vec![choice])
        .into_iter()
        .chain([vec!["--ours", "--hunk", "1"], vec!["--theirs", "--whole"]])
    {
        round += 1;
        for (place, who) in [(ann, "Ann"), (bob, "Bob")] {
            let text = text("S-002").replace("one\n", &format!("one {round} {who}\n"));
            let text = text.replace("three\n", &format!("three {round} {who}\n"));
            let text = if who == "Ann" { text.replace("two\n", &format!("two {round}\n")) } else { text };
            place.write(&path("S-002"), text)?;
        }
        ann.agent_ok(&["sync", "push"])?;
        bob.agent(&["sync", "pull"])?;
        let args: Vec<&str> = std::iter::once("S-002").chain(args).collect();
        let done = tried.both(bob, "sync resolve", &args, &[])?;
        ensure!(done["artifacts"][0]["resolved"] == true, "{args:?}: {done:#}");
        bob.agent(&["sync", "resolve", "S-002", "--theirs", "--whole"])?;
        bob.agent_ok(&["sync", "pull"])?;
        bob.agent_ok(&["sync", "push"])?;
        ann.agent_ok(&["sync", "pull"])?;
    }
    tried.both(bob, "sync resolve", &["S-001", "--ours"], &[]).map(drop)
}

fn looking_back(tried: &mut Tried, bob: &Workspace) -> Result<()> {
    tried.both(bob, "sync restore", &["S-001", "--version", "1"], &[])?;
    let done = tried.both(bob, "sync undo", &["S-001"], &[])?;
    ensure!(done["undone"] == true, "{done:#}");
    tried.both(bob, "sync undo", &[], &[])?;
    // What the remote did is not undone: both say so.
    let log = bob.agent_ok(&["sync", "log", "S-003", "--offline", "--json"])?.json()?;
    let received =
        log["operations"].as_array().into_iter().flatten().find(|line| line["cause"] == "received");
    let number = received.context("something was received")?["operation"].to_string();
    let done = tried.both(bob, "sync undo", &[&number], &[])?;
    ensure!(done["undone"] == false, "{done:#}");
    tried.both(bob, "sync restore", &["S-004", "--version", "1"], &[])?;
    tried.both(bob, "sync gc", &[], &[]).map(drop)
}

fn making(tried: &mut Tried, bob: &Workspace) -> Result<()> {
    for kind in ["plan", "story", "runbook", "adr"] {
        let done = tried.both(bob, &format!("new-{kind}"), &["--title", "Planned"], &[])?;
        ensure!(done["pushed"] == true, "{done:#}");
    }
    let done = tried.both(bob, "new-story", &["--id", "PLANNED-7"], &[])?;
    ensure!(done["id"] == "PLANNED-7", "{done:#}");
    let done = tried.both(bob, "state", &["PLANNED-7", "OPEN"], &[])?;
    ensure!(done["state"] == "OPEN", "{done:#}");
    Ok(())
}

fn exchanging(tried: &mut Tried, bob: &Workspace) -> Result<()> {
    tried.both(bob, "export", &["--all", "-o", "out"], &[])?;
    bob.write(&format!("out/{}", path("S-001")), "something else\n")?;
    bob.remove(&format!("out/{}", path("S-002")))?;
    let done = tried.both(bob, "export", &["--all", "-o", "out"], &[])?;
    ensure!(results(&done)["S-001"] == "left" && results(&done)["S-002"] == "created", "{done:#}");
    tried.both(bob, "export", &["--all", "-o", "out", "--force"], &[])?;
    bob.remove(&path("S-005").replace("story", "moved"))?;
    tried.both(bob, "export", &["--kind", "story"], &[])?;
    for kind in ["plan", "story", "runbook", "adr"] {
        bob.write("in/OUT-1 From elsewhere.md", format!("# OUT-1 A {kind}\n"))?;
        tried.both(bob, &format!("import-{kind}"), &["in"], &[])?;
        bob.write("in/OUT-1 From elsewhere.md", format!("# OUT-1 Another {kind}\n"))?;
        let done = tried.both(bob, &format!("import-{kind}"), &["in", "--force"], &[])?;
        ensure!(results(&done)["OUT-1"] == "updated", "{done:#}");
        let done = tried.reading(bob, &format!("import-{kind}"), &["-"], &[], "# OUT-2: Piped\n")?;
        ensure!(results(&done)["OUT-2"] == "created", "{done:#}");
    }
    Ok(())
}

fn being_a_team(tried: &mut Tried, backend: &Backend, team: &Team, ann: &Workspace) -> Result<()> {
    let carol = backend.user("carol")?;
    let hers = Workspace::of_team("carol", team)?;
    hers.login(&carol)?;
    let role = ["--role", "viewer"];
    tried.both(ann, "team invite", &[&[carol.email.as_str()][..], &role].concat(), &["invitation"])?;
    tried.both(&hers, "team accept", &[], &[])?;
    tried.both(ann, "team role", &[&carol.email, "editor"], &[])?;
    let done = tried.both(&hers, "team leave", &[], &[])?;
    ensure!(done["was_member"] == true, "{done:#}");
    ann.agent_ok(&["team", "invite", &carol.email, "--role", "viewer"])?;
    let waiting = hers.agent_ok(&["team", "invitations", "--json"])?.json()?;
    let invitation = waiting["invitations"][0]["invitation"].as_str().context("an invitation")?.to_owned();
    tried.both(&hers, "team decline", &[&invitation], &[])?;
    ann.agent_ok(&["team", "invite", &carol.email, "--role", "viewer"])?;
    tried.both(ann, "team revoke", &[&carol.email], &[])?;
    ann.agent_ok(&["team", "invite", &carol.email, "--role", "viewer"])?;
    hers.agent_ok(&["team", "accept"])?;
    tried.both(ann, "team remove", &[&carol.email], &[])?;
    tried.both(ann, "team create", &["Another team"], &["team"]).map(drop)
}

/// Whatever has a page of the manual with the flag on it, but for those that only show something.
fn every_command_was_tried(tried: &Tried, ann: &Workspace) -> Result<()> {
    const ONLY_SHOW: [&str; 2] = ["team-invitations", "team-members"];
    ann.agent_ok(&["man", "pages"])?;
    let mut missing = Vec::new();
    for page in fs::read_dir(ann.file("pages"))? {
        let page = page?.path();
        let name = page.file_stem().unwrap_or_default().to_string_lossy().replacen("agent-", "", 1);
        if is_planned(&page)? && !tried.0.contains(&name) && !ONLY_SHOW.contains(&name.as_str()) {
            missing.push(name);
        }
    }
    ensure!(missing.is_empty(), "--dry-run of these is not compared with what they do: {missing:?}");
    ensure!(tried.0.len() > 20, "{:?}", tried.0);
    Ok(())
}

fn is_planned(page: &Path) -> Result<bool> {
    let text = fs::read_to_string(page)?;
    Ok(text.contains("\\-\\-dry\\-run") && !text.contains(".SH SUBCOMMANDS"))
}
