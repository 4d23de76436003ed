//! Where the commands of the transcripts run: folders that are made once and copied for each, a clock
//! that stands still, and a team that always answers the same.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::OnceLock;

use super::server;
use crate::support::{Project, Ran};

/// In what situation a command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scene {
    /// An empty folder.
    Nowhere,
    /// A workspace without a team: two artifacts, both new.
    Alone,
    /// The same in a Git repository.
    Repository,
    /// A workspace of a team whose member is signed in: an artifact in conflict, one to push.
    Team,
    /// The same, before the team's changes were taken.
    Behind,
}

pub(super) const PLAN: &str = ".agent/plans/INFRA-1-move.md";
pub(super) const STORY: &str = ".agent/stories/APP-7-sign-in.md";
const PLAN_TEXT: &str = "# INFRA-1: Move\n\nPack.\n";
const STORY_TEXT: &str = "# APP-7: Sign in\n\n## State\n\nDRAFT\n\nWith a password.\n";
const ANNS: &str = "# APP-7: Sign in\n\n## State\n\nDRAFT\n\nWith a passkey.\n";
/// 2026-01-31, noon.
const NOW: &str = "1769860800000";

fn address() -> SocketAddr {
    static SERVER: OnceLock<SocketAddr> = OnceLock::new();
    *SERVER.get_or_init(server::start)
}

impl Scene {
    /// A folder of one's own in this situation.
    pub(super) fn set(self) -> Project {
        static MADE: [OnceLock<Project>; 5] = [const { OnceLock::new() }; 5];
        let made = MADE[self as usize].get_or_init(|| self.make());
        let own = Project::empty();
        copy(&made.base(), &own.base());
        own
    }

    fn make(self) -> Project {
        let project = match self {
            Self::Nowhere => return Project::empty(),
            Self::Repository => {
                let project = Self::Alone.set();
                Ran::of(&mut project.command("git", &["init", "-q"])).says(0, &[]);
                return project;
            }
            Self::Team => {
                let project = Self::Behind.set();
                run(&project, &["sync", "pull"], "").says(1, &["In conflict"]);
                return project;
            }
            Self::Alone | Self::Behind => Project::empty(),
        };
        project.write(PLAN, PLAN_TEXT);
        project.write(STORY, STORY_TEXT);
        if self == Self::Alone {
            run(&project, &["sync", "init"], "").says(0, &[]);
            return project;
        }
        let init = ["sync", "init", "--url", &format!("http://{}", address()), "--team-id", server::TEAM];
        run(&project, &init, "").says(0, &[]);
        let login = ["login", "--email", "ann@example.com", "--password-stdin"];
        run(&project, &login, "the-password\n").says(0, &[]);
        run(&project, &["sync", "push"], "").says(0, &["Pushed 2 artifacts"]);
        project.write(STORY, ANNS);
        project.write(PLAN, format!("{PLAN_TEXT}\nCarry.\n"));
        project
    }
}

/// Runs the program with the clock standing still.
pub(super) fn run(project: &Project, args: &[&str], input: &str) -> Ran {
    let env = [("AGENT_TEST_NOW", NOW), ("SUPABASE_ANON_KEY", "sb_publishable_x")];
    project.run_reading(args, &env, input)
}

/// What was printed, with what differs on each machine named.
pub(super) fn plain(project: &Project, text: &str) -> String {
    let base = fs::canonicalize(project.base()).expect("there");
    let mut text = text.replace(&base.display().to_string(), "[FOLDER]");
    text = text.replace(&project.base().display().to_string(), "[FOLDER]");
    text = text.replace(&address().to_string(), "[SERVER]").replace(env!("CARGO_PKG_VERSION"), "[VERSION]");
    let git = Ran::of(&mut project.command("git", &["--version"])).out;
    text = text.replace(git.trim_end(), "git version [GIT]");
    for schema in 1..100 {
        text = text.replace(&format!("schema {schema} of {schema}"), "schema [N] of [N]");
    }
    // Neither a file of text nor who reads it likes these as they are.
    text.replace('\0', "␀\n").replace('\u{1b}', "␛")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("a type").is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).expect("copied")),
        }
    }
}
