//! Who is where: the section of one is shown to the other, both hear when they are in one, nobody
//! outside of the team hears anything, and whoever is gone is gone.

use std::sync::Arc;

use agent_tests::scenes::Pair;
use agent_tests::{Backend, Editor, Team, Workspace};
use anyhow::{Result, ensure};
use serde_json::{Value, json};

const PATH: &str = ".agent/plans/W-001-where.md";
const TEXT: &str = "# W-001 Where\n\nintro\n\n## One\n\nfirst\n\n## Two\n\nsecond\n";

fn line_of(text: &str) -> u64 {
    TEXT.lines().position(|line| line == text).map_or(0, |line| line as u64)
}

/// Somebody else has this open, in this section.
fn is_in(presence: &Value, name: &str, section: Option<&str>) -> bool {
    let people = presence["people"].as_array();
    people.into_iter().flatten().any(|person| {
        let open = person["open"].as_array().into_iter().flatten();
        let mut open = open.filter(|place| place["id"] == "W-001" && place["kind"] == "plan");
        person["name"] == name && open.any(|place| place["section"].as_str() == section)
    })
}

/// The lenses that speak of people.
fn lenses(editor: &mut Editor) -> Result<Vec<(u64, String)>> {
    let mut all = editor.lenses(PATH)?;
    all.retain(|(_, title)| title.ends_with(" here") || title.ends_with(" open"));
    Ok(all)
}

fn is_empty(presence: &Value) -> bool {
    presence["people"].as_array().is_none_or(Vec::is_empty)
}

#[test]
fn each_sees_where_the_other_is_and_both_when_they_meet() -> Result<()> {
    let backend = Backend::shared()?;
    let mut pair = Pair::present(&backend)?;
    pair.share(PATH, TEXT)?;
    let outsider = backend.user("outsider")?;
    let other = Team::create(&backend, &outsider)?;
    let elsewhere = Workspace::configured("elsewhere", &other, "presence: true")?;
    elsewhere.login(&outsider)?;
    let mut stranger = Editor::start(&elsewhere)?;
    stranger.wait_live()?;

    let (ann, bob) = (pair.ann.user.email.clone(), pair.bob.user.email.clone());
    pair.ann.editor.open(PATH)?;
    pair.bob.editor.open(PATH)?;
    pair.bob.editor.hover(PATH, line_of("first"))?;
    pair.ann.editor.wait_presence("Bob is in One", |presence| is_in(presence, &bob, Some("One")))?;
    ensure!(
        lenses(&mut pair.ann.editor)? == [(line_of("## One"), format!("{bob} is here"))],
        "{}",
        pair.ann.editor.conversation()
    );
    pair.ann.editor.hover(PATH, line_of("second"))?;
    pair.bob.editor.wait_presence("Ann is in Two", |presence| is_in(presence, &ann, Some("Two")))?;
    ensure!(lenses(&mut pair.bob.editor)? == [(line_of("## Two"), format!("{ann} is here"))], "wrong lenses");
    pair.ann.editor.wait_codes(PATH, &[])?;

    // Ann goes where Bob is: both are told.
    pair.ann.editor.hover(PATH, line_of("## One"))?;
    for side in [&mut pair.ann, &mut pair.bob] {
        let shown = side.editor.wait_codes(PATH, &["same-section"])?;
        ensure!(
            shown[0]["severity"] == 3 && shown[0]["range"]["start"]["line"] == line_of("## One"),
            "{shown:?}"
        );
    }
    pair.ann.editor.hover(PATH, line_of("second"))?;
    pair.bob.editor.wait_codes(PATH, &[])?;

    // Closing says goodbye, and so does dying.
    pair.bob.editor.close(PATH)?;
    pair.ann.editor.wait_presence("Bob has closed it", is_empty)?;
    ensure!(lenses(&mut pair.ann.editor)?.is_empty(), "lenses of nobody");
    pair.bob.editor.wait_presence("Ann still has it open", |presence| is_in(presence, &ann, Some("Two")))?;
    pair.ann.editor.crash()?;
    pair.bob.editor.wait_presence("Ann is gone", is_empty)?;
    let heard = stranger.request("agent/presence", json!({}))?;
    ensure!(is_empty(&heard[0]), "another team hears {heard}");
    stranger.shutdown()
}

#[test]
fn what_another_editor_of_the_workspace_has_open_is_told_too_and_nothing_where_it_is_off() -> Result<()> {
    let backend = Backend::shared()?;
    let mut pair = Pair::present(&backend)?;
    pair.share(PATH, TEXT)?;
    let bob = pair.bob.user.email.clone();
    let mut second = Editor::start(&pair.bob.workspace)?;
    second.open(PATH)?;
    pair.ann
        .editor
        .wait_presence("Bob's other editor has it open", |presence| is_in(presence, &bob, None))?;
    pair.ann.editor.open(PATH)?;
    ensure!(lenses(&mut pair.ann.editor)? == [(0, format!("{bob} has this open"))], "wrong lenses");
    second.close(PATH)?;
    pair.ann.editor.wait_presence("it is closed", is_empty)?;

    // Whoever switched it off tells nothing and sees nobody.
    let carl = backend.user("carl")?;
    pair.team.add(&carl, "viewer")?;
    let quiet = Workspace::configured("quiet", &pair.team, "presence: false")?;
    quiet.login(&carl)?;
    let mut editor = Editor::start(&quiet)?;
    editor.wait_live()?;
    editor.wait_for("the first pull", |_| quiet.expect(PATH, Some(TEXT)))?;
    editor.open(PATH)?;
    editor.hover(PATH, line_of("first"))?;
    // A viewer who did not is seen; had the other told anything, it would have come before.
    let seen = Workspace::configured("seen", &pair.team, "presence: true")?;
    let dora = backend.user("dora")?;
    pair.team.add(&dora, "viewer")?;
    seen.login(&dora)?;
    let mut looking = Editor::start(&seen)?;
    looking.wait_live()?;
    looking.wait_for("the first pull", |_| seen.expect(PATH, Some(TEXT)))?;
    looking.open(PATH)?;
    let name = dora.email.clone();
    pair.ann.editor.wait_presence("a viewer", |presence| is_in(presence, &name, None))?;
    let told = pair.ann.editor.request("agent/presence", json!({}))?;
    ensure!(!told.to_string().contains(&carl.email), "{told}");
    let heard = editor.request("agent/presence", json!({}))?;
    ensure!(is_empty(&heard[0]) && lenses(&mut editor)?.is_empty(), "{heard}");
    looking.shutdown()?;
    editor.shutdown()?;
    second.shutdown()
}

#[test]
fn two_editors_on_one_workspace_both_see_the_teammate_and_tell_where_they_are() -> Result<()> {
    let mut pair = Pair::present(&Backend::shared()?)?;
    pair.share(PATH, TEXT)?;
    let (ann, bob) = (pair.ann.user.email.clone(), pair.bob.user.email.clone());
    let mut second = Editor::start(&pair.bob.workspace)?;
    second.open(PATH)?;
    ensure!(second.status()["leads"] != true, "two are on the channel: {}", second.status());
    pair.ann.editor.open(PATH)?;
    pair.ann.editor.hover(PATH, line_of("first"))?;
    for editor in [&mut second, &mut pair.bob.editor] {
        editor.wait_presence("Ann is in One", |presence| is_in(presence, &ann, Some("One")))?;
    }
    ensure!(
        lenses(&mut second)? == [(line_of("## One"), format!("{ann} is here"))],
        "{}",
        second.conversation()
    );
    let asked = second.request("agent/presence", json!({}))?;
    ensure!(is_in(&asked[0], &ann, Some("One")) && !asked.to_string().contains(&bob), "{asked}");

    // Where the other editor is, is told by the one that is on the channel.
    second.hover(PATH, line_of("second"))?;
    pair.ann.editor.wait_presence("Bob is in Two", |presence| is_in(presence, &bob, Some("Two")))?;
    second.wait_codes(PATH, &[])?;
    second.hover(PATH, line_of("first"))?;
    for editor in [&mut second, &mut pair.ann.editor] {
        let shown = editor.wait_codes(PATH, &["same-section"])?;
        ensure!(
            shown[0]["severity"] == 3 && shown[0]["range"]["start"]["line"] == line_of("## One"),
            "{shown:?}"
        );
    }

    // Whoever takes over goes on; what the one before had heard is forgotten with it.
    pair.bob.editor.crash()?;
    second.wait_status("on the channel", |status| status["live"] == true)?;
    pair.ann.editor.hover(PATH, line_of("second"))?;
    second.wait_presence("Ann is in Two", |presence| is_in(presence, &ann, Some("Two")))?;
    second.wait_codes(PATH, &[])?;
    pair.ann.editor.crash()?;
    second.wait_presence("Ann is gone", is_empty)?;
    ensure!(lenses(&mut second)?.is_empty(), "lenses of nobody");
    second.shutdown()?;
    let left = pair.bob.workspace.file(".agent/cache/agent.db");
    ensure!(left.exists(), "the cache is there");
    Ok(())
}

#[test]
fn whoever_moves_about_tells_no_more_than_the_platform_takes() -> Result<()> {
    // A backend of its own, whose counters nobody else moves.
    let backend = Arc::new(Backend::start()?);
    let mut pair = Pair::present(&backend)?;
    let sections: Vec<String> = (1..=9).map(|number| format!("S{number}")).collect();
    let text: String = sections.iter().map(|name| format!("## {name}\n\ntext\n\n")).collect();
    let text = format!("# W-001 Where\n\n{text}");
    pair.share(PATH, &text)?;
    pair.ann.editor.open(PATH)?;
    pair.bob.editor.open(PATH)?;
    let line =
        |name: &str| text.lines().position(|line| line == format!("## {name}")).map_or(0, |at| at as u64);
    let ann = pair.ann.user.email.clone();
    let joins = backend.stats()?.live("joins");
    // More places than may be told in the platform's window, each long enough to be told by itself.
    let mut at = 0;
    let (mut seen, mut last) = (0, String::new());
    while seen < 7 {
        at += 1;
        let next = &sections[at % sections.len()];
        pair.ann.editor.hover(PATH, line(next))?;
        pair.bob.editor.look()?;
        let presence = pair.bob.editor.request("agent/presence", json!({}))?;
        let section = presence[0]["people"][0]["open"][0]["section"].as_str().unwrap_or_default().to_owned();
        if section != last {
            (seen, last) = (seen + 1, section);
        }
    }
    pair.ann.editor.hover(PATH, line("S5"))?;
    pair.bob.editor.wait_presence("where Ann stays", |presence| is_in(presence, &ann, Some("S5")))?;
    let now = backend.stats()?;
    ensure!(
        now.live("joins") == joins,
        "the platform closed a channel: {} joins more",
        now.live("joins") - joins
    );
    Ok(())
}
