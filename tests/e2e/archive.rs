//! Git is the archive: what goes through the program and comes back is what it was, byte for byte, and
//! Git sees no difference. On texts of our own, and on a folder of real ones where there is one
//! (`AGENT_TEST_CORPUS`, else `../shared/corpus` beside the project).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use agent_tests::{Backend, Team, User, Workspace};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

type Files = BTreeMap<String, Vec<u8>>;

/// Kinds that are imported by a command of their own.
const IMPORTED: [&str; 4] = ["plan", "story", "runbook", "adr"];

/// Texts that programs like to change in passing.
fn own() -> Files {
    let long = "A line of text like those that people write.\n".repeat(2_000);
    let texts: [(&str, &str, &str); 14] = [
        ("plans", "INFRA-001 Plain.md", "# INFRA-001: Plain\n\nStatus: DRAFT\n"),
        ("plans", "INFRA-002-crlf.md", "# INFRA-002\r\n\r\n- one\r\n- two\r\n"),
        ("plans", "INFRA-003.md", "\u{feff}# INFRA-003 begins with a byte order mark\n"),
        ("plans", "INFRA-004, with a comma.md", "# INFRA-004 ends without a line feed"),
        ("plans", "INFRA-005.md", ""),
        ("plans", "INFRA-006.md", "\n\n\n"),
        ("stories", "APP-7 größer 日本語.md", "# APP-7 größer 日本語 👩‍👩‍👧\n\ne\u{301} and é\n"),
        ("stories", "APP-8.md", "# APP-8\n\n<<<<<<< ours\nheading\n=======\nother\n>>>>>>> theirs\n"),
        ("stories", "APP-9.md", "mixed\r\nline\nendings\rhere \t \n"),
        ("stories", "APP-10.md", "\u{2028}separators\u{2029}\u{85}\u{b}\u{c}\n"),
        ("stories", "deep/er/APP-11.md", "# APP-11 lies deeper\n"),
        ("runbooks", "no id at all.md", "# A runbook\n"),
        ("runbooks", "OPS-1.md", &long),
        ("journeys", "JRN-1.yaml", "id: JRN-1\nstate: DRAFT\nsteps: [a, b]\n"),
    ];
    let named = texts.map(|(kind, name, text)| (format!(".agent/{kind}/{name}"), text.as_bytes().to_vec()));
    BTreeMap::from(named)
}

/// Real ones; `None` where there are none here.
fn corpus() -> Result<Option<Files>> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let root = std::env::var_os("AGENT_TEST_CORPUS").map_or(beside, PathBuf::from);
    if !root.join(".agent").is_dir() {
        return Ok(None);
    }
    let mut files = Files::new();
    for entry in walkdir::WalkDir::new(root.join(".agent")) {
        let entry = entry?;
        if entry.file_type().is_file() {
            let path = entry.path().strip_prefix(&root)?.to_string_lossy().into_owned();
            files.insert(path, std::fs::read(entry.path())?);
        }
    }
    Ok(Some(files))
}

fn git(place: &Workspace, args: &[&str]) -> Result<String> {
    let settings = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "core.autocrlf=false"];
    let output = place.command_of("git")?.args(settings).args(args).output()?;
    ensure!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

fn expect_clean(place: &Workspace, after: &str) -> Result<()> {
    let said = git(place, &["status", "--porcelain"])?;
    ensure!(said.is_empty(), "after {after} Git sees:\n{said}");
    Ok(())
}

/// What the folder of an export holds.
fn below(folder: &Path) -> Result<Files> {
    let mut files = Files::new();
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry?;
        if entry.file_type().is_file() {
            let path = entry.path().strip_prefix(folder)?.to_string_lossy().into_owned();
            files.insert(path, std::fs::read(entry.path())?);
        }
    }
    Ok(files)
}

fn results(report: &Value) -> Vec<&str> {
    report["artifacts"].as_array().into_iter().flatten().filter_map(|row| row["result"].as_str()).collect()
}

/// The files that are artifacts, of all that there are.
fn taken(place: &Workspace, files: &Files) -> Result<Files> {
    let status = place.agent_ok(&["sync", "status", "--all", "--json"])?.json()?;
    let rows = status["artifacts"].as_array().context("no artifacts")?;
    let paths = rows.iter().filter_map(|row| row["path"].as_str());
    paths.map(|path| Ok((path.to_owned(), files.get(path).context(path.to_owned())?.clone()))).collect()
}

fn there_and_back(files: &Files) -> Result<()> {
    let backend = Backend::shared()?;
    let (ann_user, bob_user) = (backend.user("ann")?, backend.user("bob")?);
    let team = Team::create(&backend, &ann_user)?;
    team.add(&bob_user, "editor")?;
    let place = |name: &str, who: &User| -> Result<Workspace> {
        // What is tried here is bytes, not what may leave the machine.
        let place = Workspace::configured(name, &team, "scan: {secrets: off, personal_data: off}")?;
        place.login(who)?;
        Ok(place)
    };
    let ann = place("ann", &ann_user)?;
    for (path, bytes) in files {
        ann.write(path, bytes)?;
    }
    ann.agent_ok(&["sync", "init"])?;
    git(&ann, &["init", "-q", "-b", "main"])?;
    git(&ann, &["add", "-A"])?;
    git(&ann, &["commit", "-qm", "everything"])?;
    let pushed = ann.agent_ok(&["sync", "push", "--json"])?.json()?;
    ensure!(results(&pushed).iter().all(|result| *result == "pushed"), "{pushed:#}");
    let taken = taken(&ann, files)?;
    ensure!(results(&pushed).len() == taken.len() && !taken.is_empty(), "{} of {}", taken.len(), files.len());
    exported_and_imported(&ann, &taken)?;
    expect_clean(&ann, "push, export and import")?;

    // A fresh clone that has all files already: nothing is sent, nothing changes.
    let clone = place("clone", &bob_user)?;
    std::fs::remove_dir_all(clone.root())?;
    let source = ann.root().to_string_lossy().into_owned();
    let target = clone.root().to_string_lossy().into_owned();
    let done = std::process::Command::new("git")
        .args(["-c", "core.autocrlf=false", "clone", "-q", &source, &target])
        .status()?;
    ensure!(done.success(), "git clone");
    clone.agent_ok(&["sync", "init"])?;
    clone.agent_ok(&["sync", "pull"])?;
    expect_clean(&clone, "pull into a fresh clone")?;
    let again = clone.agent_ok(&["sync", "push", "--json"])?.json()?;
    ensure!(results(&again).iter().all(|result| *result == "same"), "{again:#}");
    clone.agent_ok(&["export", "--all"])?;
    expect_clean(&clone, "export in a fresh clone")?;
    clone.expect_clean()?;

    // A folder that has nothing yet.
    let bare = place("bare", &bob_user)?;
    bare.agent_ok(&["sync", "pull"])?;
    let pulled: Files = bare.artifacts()?.into_iter().collect();
    ensure!(pulled == taken, "what was pulled differs in: {:?}", differing(&pulled, &taken));
    exported_and_imported(&bare, &taken)?;
    bare.expect_clean()
}

fn differing<'a>(one: &'a Files, other: &'a Files) -> Vec<&'a String> {
    one.keys().chain(other.keys()).filter(|path| one.get(*path) != other.get(*path)).collect()
}

/// An export is the artifacts; a second one changes nothing; importing it changes nothing.
fn exported_and_imported(place: &Workspace, taken: &Files) -> Result<()> {
    let out = place.root().with_file_name(format!("out-{}", place.home().exists()));
    let folder = out.to_string_lossy().into_owned();
    let first = place.agent_ok(&["export", "--all", "-o", &folder, "--json"])?.json()?;
    ensure!(results(&first).iter().all(|result| *result == "created"), "{first:#}");
    let exported = below(&out)?;
    ensure!(exported == *taken, "what was exported differs in: {:?}", differing(&exported, taken));
    let second = place.agent_ok(&["export", "--all", "-o", &folder, "--json"])?.json()?;
    ensure!(results(&second).iter().all(|result| *result == "same"), "{second:#}");
    ensure!(below(&out)? == *taken, "a second export changed something");
    for kind in IMPORTED {
        let rows = first["artifacts"].as_array().into_iter().flatten().filter(|row| row["kind"] == kind);
        let files: Vec<String> = rows
            .filter_map(|row| Some(out.join(row["path"].as_str()?).to_string_lossy().into_owned()))
            .collect();
        if files.is_empty() {
            continue;
        }
        let command = format!("import-{kind}");
        let words: Vec<&str> =
            [&command, "--json"].into_iter().chain(files.iter().map(String::as_str)).collect();
        let imported = place.agent_ok(&words)?.json()?;
        ensure!(results(&imported) == vec!["same"; files.len()], "{kind}: {imported:#}");
    }
    let now: Files = place.artifacts()?.into_iter().filter(|(path, _)| taken.contains_key(path)).collect();
    ensure!(now == *taken, "exporting and importing changed: {:?}", differing(&now, taken));
    std::fs::remove_dir_all(&out)?;
    Ok(())
}

/// The commands that a page shows under a heading.
fn shown(page: &str, heading: &str) -> Result<String> {
    let (_, section) = page.split_once(heading).context("no such heading")?;
    let (_, block) = section.split_once("```sh\n").context("no commands")?;
    Ok(block.split_once("```").context("no end")?.0.to_owned())
}

#[test]
fn going_back_to_plain_markdown_as_the_manual_says_leaves_every_text_and_nothing_of_the_program() -> Result<()>
{
    let backend = Backend::shared()?;
    let (ann_user, bob_user) = (backend.user("ann")?, backend.user("bob")?);
    let team = Team::create(&backend, &ann_user)?;
    team.add(&bob_user, "editor")?;
    let (ann, bob) = (Workspace::of_team("ann", &team)?, Workspace::of_team("bob", &team)?);
    for (place, who) in [(&ann, &ann_user), (&bob, &bob_user)] {
        place.login(who)?;
        place.agent_ok(&["sync", "init"])?;
    }
    git(&bob, &["init", "-q", "-b", "main"])?;
    own().iter().try_for_each(|(path, bytes)| ann.write(path, bytes))?;
    ann.agent_ok(&["sync", "push"])?;
    bob.agent_ok(&["sync", "pull"])?;
    bob.agent_ok(&["git", "install"])?;
    // Since then, the team has moved on.
    ann.write(".agent/plans/INFRA-009.md", "# INFRA-009: Later\n")?;
    ann.agent_ok(&["sync", "push"])?;

    let page = std::fs::read_to_string(agent_tests::project().join("docs/hosting.md"))?;
    let commands = shown(&page, "## Going back to plain Markdown")?;
    let program = agent_tests::agent_binary()?.parent().context("a folder")?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::env::join_paths([program.to_owned()].into_iter().chain(std::env::split_paths(&path)))?;
    let mut shell = bob.command_of("sh")?;
    for who in ["AUTHOR", "COMMITTER"] {
        shell.env(format!("GIT_{who}_NAME"), "Bob").env(format!("GIT_{who}_EMAIL"), "bob@example.com");
    }
    // What is written into the commit is the person's own.
    shell.env("GIT_EDITOR", "sh -c 'echo plain again > \"$0\"'");
    let ran = shell.args(["-euc", &commands]).env("PATH", paths).output()?;
    ensure!(ran.status.success(), "{ran:?}");

    let texts = |place: &Workspace| -> Result<Files> { Ok(place.artifacts()?.into_iter().collect()) };
    ensure!(texts(&bob)? == texts(&ann)?, "differing: {:?}", differing(&texts(&bob)?, &texts(&ann)?));
    let left: Vec<String> =
        below(bob.root())?.into_keys().filter(|path| !path.starts_with(".git/")).collect();
    let is_own = |path: &String| own().contains_key(path) || path == ".agent/plans/INFRA-009.md";
    let other: Vec<&String> = left.iter().filter(|path| !is_own(path)).collect();
    ensure!(other == [".agent/.gitignore"], "what is left beside the texts: {other:?}");
    expect_clean(&bob, "going back")?;
    ensure!(!git(&bob, &["config", "--list", "--local"])?.contains("agent"), "Git still knows the program");
    Ok(())
}

#[test]
fn odd_texts_come_back_as_they_were() -> Result<()> {
    there_and_back(&own())
}

#[test]
fn real_artifacts_come_back_as_they_were() -> Result<()> {
    match corpus()? {
        Some(files) => there_and_back(&files),
        None => {
            println!("there is no folder of real artifacts here; AGENT_TEST_CORPUS may name one");
            Ok(())
        }
    }
}
