//! Ten writers on one workspace at once: three editors, three command lines, four programs that replace
//! files; and a teammate who changes the same artifacts. Every write arrives, nobody is told that
//! something is locked, and one process leads.

use std::collections::BTreeMap;

use agent_tests::{Backend, CacheFile, Editor, Team, Workspace, eventually};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::sections;

/// How often each writer writes before the leader is killed, and after.
const TIMES: u64 = 6;
/// Who writes into each artifact.
const WRITERS: [&str; 5] = ["editor", "file-0", "file-1", "teammate-0", "teammate-1"];
const ARTIFACTS: usize = 3;

fn title(number: usize) -> String {
    format!("W-{number:03} Writers")
}

fn path(number: usize) -> String {
    format!(".agent/stories/W-{number:03}-writers.md")
}

/// One of the three editors has one artifact open, and saves it again and again.
fn edit(editor: &mut Editor, database: &CacheFile, number: usize, counts: &[u64]) -> Result<()> {
    let path = path(number);
    editor.open(&path)?;
    eventually("the open document to be known", || {
        ensure!(database.is_open("story", &format!("W-{number:03}"))?, "not yet");
        Ok(())
    })?;
    editor.reload(&path)?;
    for count in counts {
        let text = sections::count_up(&editor.text(&path)?, "editor", *count).context("the line is gone")?;
        editor.set_text(&path, &text)?;
        editor.save_in_one_step(&path)?;
        editor.hover(&path, 0)?;
    }
    editor.close(&path)
}

/// A command may find something left to do, and nothing worse.
fn command(workspace: &Workspace, verb: &str) -> Result<()> {
    let ran = workspace.agent(&["sync", verb])?;
    ensure!(ran.code <= 1, "{verb}: {ran:?}");
    is_quiet(&format!("{}{}", ran.out, ran.err))
}

/// What nobody should have to read.
fn is_quiet(said: &str) -> Result<()> {
    for word in ["locked", "kept busy", "not cached", "changed underneath", "Stale"] {
        ensure!(!said.contains(word), "{word:?} reached somebody: {said}");
    }
    Ok(())
}

/// A program counts its line up in a file that others change at the same moment.
fn count_up(workspace: &Workspace, number: usize, writer: &str, count: u64) -> Result<()> {
    eventually("the file to be there", || {
        workspace.change(&path(number), |text| {
            sections::count_up(text, writer, count).with_context(|| format!("the line is gone: {text:?}"))
        })
    })
}

/// Which of the editors' servers lead.
fn leaders(editors: &mut [Editor]) -> Result<Vec<usize>> {
    let mut leaders = Vec::new();
    for (number, editor) in editors.iter_mut().enumerate() {
        let status = editor.request("agent/status", Value::Null)?;
        is_quiet(&status.to_string())?;
        if status[0]["leads"] == true {
            leaders.push(number);
        }
    }
    Ok(leaders)
}

struct Scene {
    team: Team,
    workspace: Workspace,
    editors: Vec<Editor>,
    teammate: Workspace,
    _teammates_editor: Editor,
}

impl Scene {
    fn new() -> Result<Self> {
        let backend = Backend::shared()?;
        let (ann, bob) = (backend.user("ann")?, backend.user("bob")?);
        let team = Team::create(&backend, &ann)?;
        team.add(&bob, "editor")?;
        let (workspace, teammate) = (Workspace::of_team("ann", &team)?, Workspace::of_team("bob", &team)?);
        workspace.login(&ann)?;
        teammate.login(&bob)?;
        for number in 0..ARTIFACTS {
            workspace.write(&path(number), sections::text(&title(number), &WRITERS))?;
        }
        let editors = (0..3).map(|_| Editor::start(&workspace)).collect::<Result<Vec<_>>>()?;
        let teammates_editor = Editor::start(&teammate)?;
        Ok(Self { team, workspace, editors, teammate, _teammates_editor: teammates_editor })
    }

    /// Everybody writes these counts at once.
    fn all_write(&mut self, counts: &[u64]) -> Result<()> {
        let Self { workspace, editors, teammate, .. } = self;
        let (workspace, teammate) = (&*workspace, &*teammate);
        let database = CacheFile::of(workspace);
        std::thread::scope(|scope| {
            let mut all = Vec::new();
            for (number, editor) in editors.iter_mut().enumerate() {
                let database = &database;
                all.push(scope.spawn(move || edit(editor, database, number, counts)));
            }
            for verb in ["push", "pull", "status"] {
                all.push(scope.spawn(move || counts.iter().try_for_each(|_| command(workspace, verb))));
            }
            // An artifact that an editor has open belongs to that editor; these are the others.
            let files = [
                (workspace, "file-0"),
                (workspace, "file-1"),
                (teammate, "teammate-0"),
                (teammate, "teammate-1"),
            ];
            for (place, writer) in files {
                all.push(scope.spawn(move || {
                    counts.iter().try_for_each(|count| count_up(place, ARTIFACTS, writer, *count))
                }));
            }
            for number in 0..ARTIFACTS {
                all.push(scope.spawn(move || {
                    counts.iter().try_for_each(|count| count_up(teammate, number, "teammate-0", *count))
                }));
            }
            all.into_iter().try_for_each(|one| one.join().expect("no panic"))
        })
    }

    /// Waits until both machines and the remote have the same, with each writer's last count.
    fn agree(&mut self, count: u64) -> Result<()> {
        let Self { team, workspace, editors, teammate, .. } = self;
        let agreed = eventually("every write to be everywhere", || {
            editors.iter_mut().try_for_each(Editor::look)?;
            for number in 0..=ARTIFACTS {
                let text = team.artifact(&path(number))?.content.context("deleted")?;
                ensure!(sections::is_whole(&text, &title(number), &WRITERS), "torn: {text:?}");
                for (writer, times) in written(number, count) {
                    ensure!(sections::has(&text, writer, times), "{writer}: {times} is not in {text}");
                }
                workspace.expect(&path(number), Some(&text))?;
                teammate.expect(&path(number), Some(&text))?;
            }
            workspace.expect_clean()?;
            teammate.expect_clean()
        });
        let said: Vec<_> = editors.iter().map(Editor::conversation).collect();
        agreed.with_context(|| said.join("\n\n"))?;
        for editor in editors.iter() {
            editor.messages().iter().try_for_each(|message| is_quiet(message))?;
            is_quiet(&editor.stderr())?;
        }
        Ok(())
    }
}

/// Who wrote into an artifact, and what last.
fn written(number: usize, count: u64) -> BTreeMap<&'static str, u64> {
    let writers: &[&str] = match number {
        ARTIFACTS => &["file-0", "file-1", "teammate-0", "teammate-1"],
        _ => &["editor", "teammate-0"],
    };
    writers.iter().map(|writer| (*writer, count)).collect()
}

#[test]
fn ten_writers_on_one_workspace_lose_nothing_and_the_next_leads_when_the_leader_is_killed() -> Result<()> {
    let mut scene = Scene::new()?;
    scene.workspace.write(&path(ARTIFACTS), sections::text(&title(ARTIFACTS), &WRITERS))?;
    scene.agree(0)?;
    let counts: Vec<u64> = (1..=TIMES).collect();
    scene.all_write(&counts)?;
    scene.agree(TIMES)?;
    // None gives up leading but by its end: two that ever say so lead at once.
    let leading = leaders(&mut scene.editors)?;
    ensure!(leading.len() == 1, "{leading:?} lead");

    scene.editors[leading[0]].crash()?;
    drop(scene.editors.remove(leading[0]));
    let next = eventually("the next leader", || {
        let leading = leaders(&mut scene.editors)?;
        leading.first().copied().context("nobody leads")
    })?;
    scene.editors.push(Editor::start(&scene.workspace)?);
    let counts: Vec<u64> = (TIMES + 1..=2 * TIMES).collect();
    scene.all_write(&counts)?;
    scene.agree(2 * TIMES)?;
    ensure!(leaders(&mut scene.editors)? == [next], "another one leads, too");
    let database = CacheFile::of(&scene.workspace);
    ensure!(database.integrity()? == "ok" && database.queued()? == 0, "the cache is not in order");
    Ok(())
}
