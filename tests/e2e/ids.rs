//! New artifacts with ids of the team's, from the command line and from the editor: never one that is
//! there or was given out, from the team's templates, at the team's a moment later.

use std::collections::BTreeSet;

use agent_tests::scenes::{Pair, Side};
use agent_tests::{Backend, Capabilities, Editor, Team, User, Workspace, eventually};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

fn machine(sync: &str) -> Result<(Team, User, Workspace)> {
    let backend = Backend::shared()?;
    let ann = backend.user("ann")?;
    let team = Team::create(&backend, &ann)?;
    let workspace = Workspace::configured("ann", &team, sync)?;
    workspace.login(&ann)?;
    Ok((team, ann, workspace))
}

fn made(workspace: &Workspace, args: &[&str]) -> Result<Value> {
    let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
    workspace.agent_ok(&args)?.json()
}

fn path_of(report: &Value) -> Result<&str> {
    report["path"].as_str().with_context(|| format!("no path in {report}"))
}

#[test]
fn each_kind_is_made_from_its_template_and_is_the_teams_at_once() -> Result<()> {
    let (team, ann, workspace) = machine("auto_push: true")?;
    let rows = [("plan", "PROPOSED"), ("story", "DRAFT"), ("runbook", "PROPOSED"), ("adr", "PROPOSED")];
    for (number, (kind, state)) in (1..).zip(rows) {
        // A number is used once for a prefix, whatever the kind, so that an id alone says which it is.
        let id = format!("WEB-{number:03}");
        let report =
            made(&workspace, &[&format!("new-{kind}"), "--title", "Fix the login", "--prefix", "WEB"])?;
        let fine = report["id"] == id.as_str() && report["provisional"] == false && report["pushed"] == true;
        ensure!(fine && report["refused"].is_null() && report["remote_problem"].is_null(), "{report:#}");
        let path = path_of(&report)?;
        ensure!(path.ends_with(&format!("/{id}-fix-the-login.md")), "{path}");
        let text = workspace.read(path)?;
        ensure!(text.starts_with(&format!("# {id}: Fix the login\n\n## State\n\n")), "{text}");
        ensure!(text.contains(&format!("## State\n\n{state}\n")), "{text}");
        let there = team.expect(path, &text)?;
        ensure!(there.version == 1 && there.author == ann.email, "{there:?}");
    }
    workspace.expect_clean()?;

    let said = workspace.agent_ok(&["new-story", "--title", "Überprüfung: ok?", "--prefix", "WEB"])?;
    ensure!(said.out.starts_with("Made story/WEB-005  ") && said.out.ends_with("\nPushed.\n"), "{said:?}");
    ensure!(said.out.contains("WEB-005-überprüfung-ok.md"), "{said:?}");
    Ok(())
}

#[test]
fn an_id_is_given_once_whoever_asks_and_what_is_in_files_counts() -> Result<()> {
    let (team, _, workspace) = machine("auto_push: false")?;
    // Only here, and not pushed: the server cannot know of it.
    workspace.write(".agent/stories/INFRA-041-old.md", "# INFRA-041 Old\n\nStatus: DRAFT\n")?;
    let report = made(&workspace, &["new-story", "--title", "Next"])?;
    ensure!(report["id"] == "INFRA-042" && report["pushed"] == false, "the file counts: {report:#}");
    ensure!(team.artifacts()?.is_empty(), "nothing is pushed unasked with auto_push: false");

    // A dry run gives nothing out, and says what would be.
    for _ in 0..2 {
        let dry = made(&workspace, &["new-story", "--title", "Dry", "--dry-run"])?;
        ensure!(dry["id"] == "INFRA-043" && dry["dry_run"] == true, "{dry:#}");
        ensure!(!workspace.file(path_of(&dry)?).exists(), "a dry run made {dry:#}");
    }
    // What was given out and thrown away is not given again.
    let thrown = made(&workspace, &["new-story", "--title", "Thrown"])?;
    ensure!(thrown["id"] == "INFRA-043", "{thrown:#}");
    workspace.remove(path_of(&thrown)?)?;
    let next = made(&workspace, &["new-story", "--title", "After"])?;
    ensure!(next["id"] == "INFRA-044", "{next:#}");

    // One's own id, unless it is there or none.
    let own = made(&workspace, &["new-adr", "--id", "ADR-7", "--title", "Own"])?;
    ensure!(own["id"] == "ADR-7", "{own:#}");
    let again = workspace.agent(&["new-adr", "--id", "ADR-7", "--title", "Again"])?;
    again.says(128, &["adr/ADR-7 is there already", path_of(&own)?])?;
    workspace.agent(&["new-adr", "--id", "seven"])?.says(128, &["\"seven\" is no id"])?;
    workspace.agent(&["new-adr", "--prefix", "web"])?.says(128, &["\"web\" is no prefix"])?;
    let both = workspace.agent(&["new-adr", "--id", "ADR-8", "--prefix", "ADR"])?;
    ensure!(both.code != 0 && both.code != 128 && both.err.contains("--prefix"), "{both:?}");
    Ok(())
}

#[test]
fn many_who_ask_at_once_get_an_id_each() -> Result<()> {
    let backend = Backend::shared()?;
    let (ann, bob) = (backend.user("ann")?, backend.user("bob")?);
    let team = Team::create(&backend, &ann)?;
    team.add(&bob, "editor")?;
    let machines = [("ann", &ann), ("bob", &bob)].map(|(name, user)| {
        let workspace = Workspace::of_team(name, &team)?;
        workspace.login(user)?;
        anyhow::Ok(workspace)
    });
    let [ann, bob] = machines;
    let (ann, bob) = (&ann?, &bob?);
    let ids = std::thread::scope(|scope| {
        let run = |number: usize| {
            let workspace = if number.is_multiple_of(2) { ann } else { bob };
            let report =
                made(workspace, &["new-story", "--prefix", "WEB", "--title", &format!("No {number}")])?;
            report["id"].as_str().map(str::to_owned).context("no id")
        };
        let all: Vec<_> = (0..10).map(|number| scope.spawn(move || run(number))).collect();
        all.into_iter().map(|one| one.join().expect("no panic")).collect::<Result<BTreeSet<_>>>()
    })?;
    let expected: BTreeSet<_> = (1..=10).map(|number| format!("WEB-{number:03}")).collect();
    ensure!(ids == expected, "{ids:?}");
    for workspace in [ann, bob] {
        workspace.agent_ok(&["sync", "push"])?;
        workspace.agent_ok(&["sync", "pull"])?;
    }
    ensure!(team.artifacts()?.len() == 10 && ann.artifacts()? == bob.artifacts()?, "{:?}", team.artifacts()?);
    Ok(())
}

#[test]
fn a_viewer_is_told_why_there_is_no_id_and_nothing_is_made() -> Result<()> {
    let (team, _, workspace) = machine("auto_push: true")?;
    let dora = team.backend.user("dora")?;
    team.add(&dora, "viewer")?;
    workspace.login(&dora)?;
    let before = workspace.artifacts()?;
    let ran = workspace.agent(&["new-story", "--title", "Mine"])?;
    ran.says(128, &["viewers cannot take ids", "nothing was made"])?;
    let mut editor = Editor::start(&workspace)?;
    editor.wait_live()?;
    let asked = json!({ "command": "agent.new", "arguments": [{ "kind": "story" }] });
    editor.request("workspace/executeCommand", asked)?;
    editor.wait_message("why not", |text| text.contains("viewers cannot take ids"))?;
    ensure!(workspace.artifacts()? == before, "something was made");
    editor.shutdown()
}

#[test]
fn the_teams_own_template_counts_and_one_that_cannot_be_read_is_named() -> Result<()> {
    let (team, ann, workspace) = machine("auto_push: true")?;
    workspace.write(
        ".agent/templates/story.md",
        "# {{id}}: {{ title }}\n\nStatus: DRAFT\n\n{{date}} {{author}} {{unknown}} {{\n\n## Ours\n",
    )?;
    let report = made(&workspace, &["new-story", "--title", "A {{id}} of ours"])?;
    let path = path_of(&report)?;
    let text = workspace.read(path)?;
    let mut lines = text.lines();
    let id = report["id"].as_str().context("no id")?;
    ensure!(
        lines.next() == Some(&*format!("# {id}: A {{{{id}}}} of ours")),
        "put in is not filled in: {text}"
    );
    let filled = lines.nth(3).context("no line")?;
    let (date, rest) = filled.split_once(' ').context("no date")?;
    ensure!(date.parse::<jiff::civil::Date>().is_ok(), "{filled}");
    ensure!(rest == format!("{} {{{{unknown}}}} {{{{", ann.email), "{filled}");
    team.expect(path, &text)?;
    // Templates are no artifacts.
    ensure!(team.artifacts()?.len() == 1, "{:?}", team.artifacts()?);

    let standard = made(&workspace, &["new-plan", "--title", "Standard"])?;
    ensure!(workspace.read(path_of(&standard)?)?.contains("## Goal"), "other kinds keep theirs");
    workspace.write(".agent/templates/plan.md", [b'#', 0xff, 0xfe])?;
    let ran = workspace.agent(&["new-plan", "--title", "Broken"])?;
    ran.says(128, &[".agent/templates/plan.md", "cannot be read", "nothing was made"])?;
    Ok(())
}

/// The actions at a place, apart from any diagnostic.
fn offered(side: &mut Side, path: &str, line: u64, character: u64) -> Result<Vec<Value>> {
    let at = json!({ "line": line, "character": character });
    let params = json!({
        "textDocument": { "uri": side.workspace.uri(path) }, "range": { "start": at, "end": at },
        "context": { "diagnostics": [] },
    });
    let answer = side.editor.request("textDocument/codeAction", params)?;
    Ok(answer.as_array().cloned().unwrap_or_default())
}

fn titles(actions: &[Value]) -> Vec<&str> {
    actions.iter().filter_map(|action| action["title"].as_str()).collect()
}

fn named<'a>(actions: &'a [Value], title: &str) -> Result<&'a Value> {
    let found = actions.iter().find(|action| action["title"] == title);
    found.with_context(|| format!("no {title:?} among {:?}", titles(actions)))
}

#[test]
fn what_a_text_names_and_nobody_has_is_made_from_there() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    pair.share(".agent/stories/OPS-001-first.md", "# OPS-001 First\n\nStatus: DRAFT\n")?;
    let plan = ".agent/plans/OPS-010-plan.md";
    let text = "# OPS-010 Plan\n\nsee [later](../stories/OPS-022-retry-later.md), OPS-023 and UTF-8\n";
    pair.share(plan, text)?;
    pair.bob.editor.open(plan)?;
    let column = |word: &str| text.lines().nth(2).and_then(|line| line.find(word)).map_or(0, |at| at as u64);

    let at_link = offered(&mut pair.bob, plan, 2, column("later"))?;
    let action = named(&at_link, "Create missing story OPS-022")?.clone();
    ensure!(action["kind"] == "quickfix", "{action}");
    pair.bob.editor.run(&action)?;
    let path = ".agent/stories/OPS-022-retry-later.md";
    ensure!(pair.bob.editor.wait_shown()? == pair.bob.workspace.file(path), "the link's own file is shown");
    let made = pair.bob.workspace.read(path)?;
    ensure!(made.starts_with("# OPS-022: Retry later\n"), "{made}");
    eventually("it is the team's at once", || pair.team.expect(path, &made).map(drop))?;
    eventually("Ann has it", || pair.ann.workspace.expect(path, Some(&made)))?;

    // An id alone may be a story's or a plan's: both have the prefix.
    let at_id = offered(&mut pair.bob, plan, 2, column("OPS-023"))?;
    ensure!(named(&at_id, "Create missing plan OPS-023").is_ok(), "{:?}", titles(&at_id));
    pair.bob.editor.run(named(&at_id, "Create missing story OPS-023")?)?;
    let shown = pair.bob.editor.wait_shown()?;
    ensure!(
        shown.parent() == pair.bob.workspace.file(path).parent(),
        "beside the others: {}",
        shown.display()
    );
    for (word, _) in [("later", "made"), ("OPS-023", "made"), ("UTF-8", "no id of ours")] {
        let gone = eventually("nothing is missing", || {
            let left = offered(&mut pair.bob, plan, 2, column(word))?;
            let left =
                titles(&left).into_iter().filter(|title| title.starts_with("Create missing story")).count();
            ensure!(left == 0, "{left} offered at {word}");
            Ok(())
        });
        gone?;
    }
    // A place that is none for it is refused.
    let outside = json!({ "command": "agent.new", "arguments": [{
        "kind": "story", "id": "OPS-024", "path": "src/OPS-024-out.md" }] });
    let refused = pair.bob.editor.request_refused("workspace/executeCommand", outside)?;
    ensure!(refused.message.contains("no place for this artifact"), "{refused:?}");
    Ok(())
}

#[test]
fn a_new_artifact_is_offered_at_the_head_of_any_and_gets_the_next_id() -> Result<()> {
    let mut pair = Pair::new(&Backend::shared()?)?;
    let first = ".agent/stories/OPS-041-first.md";
    pair.share_open(first, "# OPS-041 First\n\nStatus: DRAFT\n")?;
    let elsewhere = offered(&mut pair.bob, first, 2, 0)?;
    ensure!(!titles(&elsewhere).iter().any(|title| title.starts_with("New ")), "{:?}", titles(&elsewhere));
    let at_head = offered(&mut pair.bob, first, 0, 0)?;
    for kind in ["plan", "story", "runbook", "adr"] {
        let action = named(&at_head, &format!("New {kind}"))?;
        ensure!(action["kind"] == "source", "{action}");
    }
    pair.bob.editor.run(named(&at_head, "New story")?)?;
    let shown = pair.bob.editor.wait_shown()?;
    let path = ".agent/stories/OPS-042-new-story.md";
    ensure!(shown == pair.bob.workspace.file(path), "{}", shown.display());
    let made = pair.bob.workspace.read(path)?;
    eventually("it is the team's at once", || pair.team.expect(path, &made).map(drop))?;

    // An editor that can ask for a title passes it; one that shows no files is told where it is.
    pair.agree(path, Some(&made))?;
    let asked = json!({ "command": "agent.new", "arguments": [{
        "kind": "adr", "prefix": "OPS", "title": "CSV it is", "uri": pair.ann.workspace.uri("") }] });
    pair.ann.editor.request("workspace/executeCommand", asked)?;
    let shown = pair.ann.editor.wait_shown()?;
    ensure!(shown.ends_with("OPS-043-csv-it-is.md"), "past what is there: {}", shown.display());
    let blind = Capabilities { shows_documents: false, ..Capabilities::default() };
    pair.ann.editor.shutdown()?;
    pair.ann.editor = Editor::start_with(&pair.ann.workspace, blind)?;
    pair.ann.editor.wait_live()?;
    let asked = json!({ "command": "agent.new", "arguments": [{ "kind": "runbook", "title": "Told" }] });
    pair.ann.editor.request("workspace/executeCommand", asked)?;
    pair.ann
        .editor
        .wait_message("where it is", |text| text.starts_with("Made ") && text.ends_with("-told.md"))?;
    let odd = json!({ "command": "agent.new", "arguments": [{ "kind": "poem" }] });
    pair.ann.editor.request("workspace/executeCommand", odd)?;
    pair.ann.editor.wait_message("no such kind", |text| text.contains("there is no kind \"poem\" here"))?;
    Ok(())
}
