//! Processes killed at random points under load: language servers that lead and that follow, commands
//! in the middle of a push or a pull, and the backend. Nothing that was acknowledged is lost, nothing
//! happens twice, no file is torn, no database is damaged, and everybody ends with the same text.
//!
//! `ROUNDS=300 cargo test -p agent-tests --test outages crashes -- --nocapture` runs more of it, `SEED=…`
//! the same again. The seed decides what is done and when who is killed; how far the processes have come
//! by then is the machine's.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent_tests::{Backend, CacheFile, Editor, Team, User, Workspace, eventually};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::{lasting_backend, sections};

const ARTIFACTS: usize = 4;
/// As many rounds fit into a test run; by hand, more.
const ROUNDS: u32 = 6;
/// Everything is compared after so many rounds, and at the end.
const BETWEEN_CHECKS: u32 = 5;

fn title(number: usize) -> String {
    format!("Z-{number:03} Crash")
}

fn path(number: usize) -> String {
    format!(".agent/stories/Z-{number:03}-crash.md")
}

const WRITERS: [&str; 4] = ["ann-editor", "ann-file", "bob-editor", "bob-file"];

/// One person's machine: two editors on one workspace.
struct Machine {
    name: &'static str,
    workspace: Workspace,
    editors: Vec<Editor>,
    commands: Vec<Child>,
}

impl Machine {
    fn new(name: &'static str, team: &Team, user: &User) -> Result<Self> {
        let workspace = Workspace::of_team(name, team)?;
        workspace.login(user)?;
        let editors = vec![Editor::start(&workspace)?, Editor::start(&workspace)?];
        Ok(Self { name, workspace, editors, commands: Vec::new() })
    }

    /// Kills one editor and starts another one in its place.
    fn crash_editor(&mut self, at: usize) -> Result<()> {
        self.editors[at].crash()?;
        self.editors[at] = Editor::start(&self.workspace)?;
        Ok(())
    }

    fn database(&self) -> CacheFile {
        CacheFile::of(&self.workspace)
    }
}

/// What happened, to be reported.
#[derive(Debug, Default)]
struct Tally {
    saves: u64,
    files: u64,
    commands: u64,
    editors_killed: u64,
    commands_killed: u64,
    backends_killed: u64,
    checks: u64,
}

struct World {
    backend: Arc<Backend>,
    team: Team,
    machines: Vec<Machine>,
    random: fastrand::Rng,
    /// What each writer wrote last into each artifact.
    written: BTreeMap<(usize, String), u64>,
    count: u64,
    /// Contents that a cache or a remote acknowledged, by artifact.
    acknowledged: BTreeSet<(usize, String)>,
    tally: Tally,
}

impl World {
    fn new(backend: Arc<Backend>, seed: u64) -> Result<Self> {
        let (ann, bob) = (backend.user("ann")?, backend.user("bob")?);
        let team = Team::create(&backend, &ann)?;
        team.add(&bob, "editor")?;
        let machines = vec![Machine::new("ann", &team, &ann)?, Machine::new("bob", &team, &bob)?];
        let random = fastrand::Rng::with_seed(seed);
        let mut world = Self {
            backend,
            team,
            machines,
            random,
            written: BTreeMap::new(),
            count: 0,
            acknowledged: BTreeSet::new(),
            tally: Tally::default(),
        };
        for number in 0..ARTIFACTS {
            world.machines[0].workspace.write(&path(number), sections::text(&title(number), &WRITERS))?;
        }
        world.converge()?;
        Ok(world)
    }

    fn round(&mut self) -> Result<()> {
        for _ in 0..self.random.usize(2..6) {
            let machine = self.random.usize(0..2);
            match self.random.u8(0..10) {
                0..5 => self.save(machine)?,
                5..7 => self.write_file(machine)?,
                _ => self.command(machine)?,
            }
        }
        self.fault()?;
        self.wait_for_a_moment()?;
        // What was acknowledged right before the kill; not every time, for it takes a while to ask.
        if self.random.u8(0..3) == 0 {
            self.learn()?;
        }
        self.kill()?;
        self.learn()
    }

    /// Somebody opens a file, changes their line, saves, and closes it or not.
    fn save(&mut self, machine: usize) -> Result<()> {
        let (number, editor) = (self.random.usize(0..ARTIFACTS), self.random.usize(0..2));
        let stays_open = self.random.bool();
        let writer = format!("{}-editor", self.machines[machine].name);
        let path = path(number);
        let machine = &mut self.machines[machine];
        let database = machine.database();
        let editor = &mut machine.editors[editor];
        editor.look()?;
        if editor.text(&path).is_err() {
            editor.open(&path)?;
        }
        // Typing takes longer than this.
        eventually("the open document to be known", || {
            ensure!(database.is_open("story", &format!("Z-{number:03}"))?, "not yet");
            Ok(())
        })?;
        editor.reload(&path)?;
        self.count += 1;
        let Some(text) = sections::count_up(&editor.text(&path)?, &writer, self.count) else {
            bail!("{path} is torn: {:?}", editor.text(&path)?);
        };
        editor.set_text(&path, &text)?;
        editor.save_in_one_step(&path)?;
        if !stays_open {
            editor.close(&path)?;
        }
        self.written.insert((number, writer), self.count);
        self.tally.saves += 1;
        Ok(())
    }

    /// A program, such as an AI agent, replaces a file.
    fn write_file(&mut self, machine: usize) -> Result<()> {
        let number = self.random.usize(0..ARTIFACTS);
        let writer = format!("{}-file", self.machines[machine].name);
        self.count += 1;
        self.machines[machine].workspace.change(&path(number), |text| {
            sections::count_up(text, &writer, self.count).with_context(|| format!("torn: {text:?}"))
        })?;
        self.written.insert((number, writer), self.count);
        self.tally.files += 1;
        Ok(())
    }

    /// A command is started, and not waited for.
    fn command(&mut self, machine: usize) -> Result<()> {
        let verb = *self.random.choice(&["push", "pull", "status"]).context("no verb")?;
        let machine = &mut self.machines[machine];
        let mut command = machine.workspace.command()?;
        command.args(["sync", verb, "--json"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        machine.commands.push(command.spawn()?);
        self.tally.commands += 1;
        Ok(())
    }

    /// Sometimes a push is answered late, or its answer never comes.
    fn fault(&mut self) -> Result<()> {
        let action = match self.random.u8(0..6) {
            0 => "delay",
            1 => "drop_reply",
            _ => return Ok(()),
        };
        let rest = json!({ "path": "/rest/v1/rpc/push_artifacts", "action": action, "delay_ms": 500 });
        self.backend.faults(&json!({ "rest": rest }))
    }

    /// Lets the processes come as far as the seed says: to something that can be seen, or for a time
    /// that is drawn. That time is the fault itself, the moment of the kill, and waits for nothing.
    fn wait_for_a_moment(&mut self) -> Result<()> {
        match self.random.u8(0..4) {
            0 => {}
            1 => {
                // Whether anything is pushed at all depends on what the others did before.
                let until = Instant::now() + Duration::from_millis(self.random.u64(1..400));
                while self.backend.stats()?.calls("push_artifacts") == 0 && Instant::now() < until {}
                self.backend.reset_stats()?;
            }
            _ => std::thread::sleep(Duration::from_micros(self.random.u64(0..60_000))),
        }
        Ok(())
    }

    fn kill(&mut self) -> Result<()> {
        for machine in &mut self.machines {
            for mut command in std::mem::take(&mut machine.commands) {
                // Of those that are done already nothing is left to kill.
                if command.try_wait()?.is_none() && self.random.bool() {
                    command.kill()?;
                    self.tally.commands_killed += 1;
                }
                command.wait()?;
            }
        }
        if self.random.u8(0..6) == 0 {
            self.backend.kill9()?;
            self.backend.restart()?;
            self.tally.backends_killed += 1;
        }
        let victims = self.random.usize(1..3);
        for _ in 0..victims {
            let (machine, editor) = (self.random.usize(0..2), self.random.usize(0..2));
            self.machines[machine].crash_editor(editor)?;
            self.tally.editors_killed += 1;
        }
        Ok(())
    }

    /// What the caches say they have, and the remote, must not be lost from now on.
    fn learn(&mut self) -> Result<()> {
        for machine in &self.machines {
            for number in 0..ARTIFACTS {
                let texts = machine.database().contents("story", &format!("Z-{number:03}"))?;
                self.acknowledged.extend(texts.into_iter().map(|text| (number, text)));
                let file = machine.workspace.read(&path(number))?;
                ensure!(
                    sections::is_whole(&file, &title(number), &WRITERS),
                    "{}'s {} is torn: {file:?}",
                    machine.name,
                    path(number)
                );
            }
        }
        for number in 0..ARTIFACTS {
            let texts = self.team.history("story", &format!("Z-{number:03}"))?;
            self.acknowledged.extend(texts.into_iter().map(|text| (number, text)));
        }
        Ok(())
    }

    /// Closes what is open, and waits until everybody has the same.
    fn converge(&mut self) -> Result<()> {
        for machine in &mut self.machines {
            machine.editors.iter_mut().try_for_each(Editor::close_all)?;
        }
        let Self { machines, team, written, .. } = self;
        let agreed = eventually("everybody to have the same", || {
            for editor in machines.iter_mut().flat_map(|machine| &mut machine.editors) {
                editor.look()?;
            }
            for number in 0..ARTIFACTS {
                let remote = team.artifact(&path(number))?.content.context("deleted")?;
                for machine in machines.iter() {
                    machine.workspace.expect(&path(number), Some(&remote))?;
                }
                for ((_, writer), count) in written.iter().filter(|((at, _), _)| *at == number) {
                    ensure!(
                        sections::has(&remote, writer, *count),
                        "{writer}: {count} is missing in {remote:?}"
                    );
                }
            }
            machines.iter().try_for_each(|machine| machine.workspace.expect_clean())
        });
        agreed.map_err(|error| {
            let editors = machines.iter().flat_map(|machine| &machine.editors);
            let said: Vec<_> = editors.map(Editor::conversation).collect();
            error.context(said.join("\n\n"))
        })
    }

    fn check(&mut self) -> Result<()> {
        self.converge()?;
        self.learn()?;
        self.tally.checks += 1;
        let mut kept = BTreeSet::new();
        for number in 0..ARTIFACTS {
            let id = format!("Z-{number:03}");
            let history = self.team.history("story", &id)?;
            let distinct: BTreeSet<&String> = history.iter().collect();
            ensure!(distinct.len() == history.len(), "{id}: something was applied twice: {history:#?}");
            let version = self.team.artifact(&path(number))?.version;
            ensure!(version == history.len() as u64, "{id}: version {version} of {}", history.len());
            for text in &history {
                ensure!(
                    sections::is_whole(text, &title(number), &WRITERS),
                    "{id}: a torn text was pushed: {text:?}"
                );
            }
            kept.extend(history.into_iter().map(|text| (number, text)));
            for machine in &self.machines {
                let texts = machine.database().contents("story", &id)?;
                kept.extend(texts.into_iter().map(|text| (number, text)));
            }
        }
        let lost: Vec<_> = self.acknowledged.difference(&kept).collect();
        ensure!(lost.is_empty(), "acknowledged, and lost: {lost:?}");
        for machine in &self.machines {
            let database = machine.database();
            ensure!(database.integrity()? == "ok", "{}: {}", machine.name, database.integrity()?);
            ensure!(database.queued()? == 0, "{}: the queue is stuck", machine.name);
            let set_aside = machine.workspace.file(".agent/cache/agent.db.damaged-1");
            ensure!(!set_aside.exists(), "{}: a killed process left a damaged cache", machine.name);
        }
        Ok(())
    }
}

fn number_of(variable: &str) -> Result<Option<u64>> {
    let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
    value.map(|value| value.parse().with_context(|| format!("{variable}={value} is no number"))).transpose()
}

#[test]
fn whoever_is_killed_and_whenever_nothing_acknowledged_is_lost() -> Result<()> {
    let rounds = number_of("ROUNDS")?.map_or(Ok(ROUNDS), u32::try_from)?;
    let seed = number_of("SEED")?.unwrap_or(1);
    let replay = format!("SEED={seed} ROUNDS={rounds} cargo test -p agent-tests --test outages crashes");
    let (backend, _folder) = lasting_backend()?;
    let mut world = World::new(backend, seed)?;
    let mut run = || -> Result<()> {
        for round in 1..=rounds {
            world.round().with_context(|| format!("round {round}"))?;
            if round % BETWEEN_CHECKS == 0 || round == rounds {
                world.check().with_context(|| format!("after round {round}"))?;
                println!("round {round} of {rounds}, all well");
            }
        }
        Ok(())
    };
    run().with_context(|| format!("again with: {replay}"))?;
    println!("{replay}\n{rounds} rounds, {} acknowledged texts, {:?}", world.acknowledged.len(), world.tally);
    Ok(())
}

#[test]
fn what_a_killed_editor_had_open_follows_the_team_again_at_once() -> Result<()> {
    let backend = Backend::shared()?;
    let (ann, bob) = (backend.user("ann")?, backend.user("bob")?);
    let team = Team::create(&backend, &ann)?;
    team.add(&bob, "editor")?;
    let (mut anns, mut bobs) = (Machine::new("ann", &team, &ann)?, Machine::new("bob", &team, &bob)?);
    let path = path(0);
    anns.workspace.write(&path, sections::text(&title(0), &WRITERS))?;
    eventually("the artifact at the other machine", || {
        bobs.workspace.expect(&path, Some(&sections::text(&title(0), &WRITERS)))
    })?;
    bobs.editors[0].open(&path)?;
    bobs.editors[0].hover(&path, 0)?;
    eventually("the open document to be known", || {
        ensure!(bobs.database().is_open("story", "Z-000")?, "not yet");
        Ok(())
    })?;
    bobs.crash_editor(0)?;
    let text =
        sections::count_up(&sections::text(&title(0), &WRITERS), "ann-file", 1).context("no such line")?;
    anns.workspace.write(&path, &text)?;
    eventually("the file of the killed editor", || bobs.workspace.expect(&path, Some(&text)))?;
    let status = bobs.editors[1].request("agent/status", Value::Null)?;
    ensure!(status[0]["conflicts"] == 0, "{status}");
    anns.editors.iter_mut().try_for_each(Editor::look)
}
