//! The transcripts of docs/guide.md and docs/agents.md are what the program really says: their commands are
//! run, in their order, by two people on two machines against the real backend, and what they print is
//! compared. `AGENT_UPDATE_DOCS=1 cargo test -p agent-tests --test e2e told` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use agent_tests::{Backend, User, Workspace, agent_binary};
use anyhow::{Context as _, Result, ensure};

/// What stands in the pages for what differs each time.
const PROJECT: &str = "https://YOUR-PROJECT.supabase.co";
const TEAM: &str = "6f9619ff-8b86-4011-b42d-00cf4fc964ff";
const MOMENT: &str = "2026-01-31T12:00:00Z";
/// Every other id.
const OTHER: &str = "00000000-0000-4000-8000-000000000000";

struct Person {
    place: Workspace,
    user: User,
}

/// The people of a page, and the names that things really have.
struct Cast {
    people: BTreeMap<&'static str, Person>,
    url: String,
    team: Option<String>,
}

impl Cast {
    fn new() -> Result<Self> {
        let backend = Backend::shared()?;
        let mut people = BTreeMap::new();
        for name in ["ann", "bob"] {
            let user = backend.user(name)?;
            let mut place = Workspace::new(name)?;
            place.set_anon_key(backend.anon_key());
            fs::write(place.home().join("password"), format!("{}\n", user.password()))?;
            people.insert(name, Person { place, user });
        }
        Ok(Self { people, url: backend.url().to_owned(), team: None })
    }

    /// Runs a line as it stands in the page, and answers what stands there then.
    fn run(&mut self, who: &str, line: &str) -> Result<String> {
        let person = self.people.get(who).with_context(|| format!("nobody is called {who:?}"))?;
        let mut real = line.replace(PROJECT, &self.url);
        if let Some(team) = &self.team {
            real = real.replace(TEAM, team);
        }
        for (name, person) in &self.people {
            real = real.replace(&format!("{name}@example.com"), &person.user.email);
        }
        let binary = agent_binary()?.parent().context("a folder")?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([binary.to_owned()].into_iter().chain(std::env::split_paths(&path)))?;
        let mut command = person.place.command_of("sh")?;
        let output = command.args(["-c", &format!("exec 2>&1; {real}")]).env("PATH", path).output()?;
        let said = String::from_utf8(output.stdout)?;
        ensure!(!said.contains("panicked at"), "{line}: {said}");
        if let Some(team) = line.contains("team create").then(|| first_uuid(&said)).flatten() {
            self.team = Some(team);
        }
        Ok(self.plain(&said))
    }

    fn plain(&self, said: &str) -> String {
        let host = self.url.trim_start_matches("http://");
        let mut said = said.replace(&format!("{}/", self.url), PROJECT).replace(&self.url, PROJECT);
        said = said.replace(host, PROJECT.trim_start_matches("https://"));
        if let Some(team) = &self.team {
            said = said.replace(team, TEAM);
        }
        for (name, person) in &self.people {
            said = said.replace(&person.user.email, &format!("{name}@example.com"));
            let root = person.place.root().display().to_string();
            said = said.replace(&root, &format!("/home/{name}/project"));
        }
        let said = like(&said, MOMENT, MOMENT);
        like(&said, TEAM, OTHER)
    }
}

fn first_uuid(text: &str) -> Option<String> {
    let words = text.split(|c: char| !(c.is_ascii_hexdigit() || c == '-'));
    words.into_iter().find(|word| word.len() == TEAM.len()).map(str::to_owned)
}

/// The text with whatever has the form of `pattern`, digit for digit, shown as `shown`; but not the pattern
/// itself, which is a name by now.
fn like(text: &str, pattern: &str, shown: &str) -> String {
    let fits = |at: &str| {
        let alike = |(c, p): (char, char)| {
            if p.is_ascii_hexdigit() { c.is_ascii_hexdigit() } else { c == p }
        };
        at != pattern && at.len() == pattern.len() && at.chars().zip(pattern.chars()).all(alike)
    };
    let mut out = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        match rest.get(..pattern.len()).filter(|at| fits(at)) {
            Some(_) => {
                out.push_str(shown);
                rest = &rest[pattern.len()..];
            }
            None => {
                out.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    out
}

/// The page with what its commands really print. A block of a console holds prompts, `ann$ …`, and what is
/// printed below each.
fn played(page: &str) -> Result<String> {
    let mut cast = Cast::new()?;
    let mut out = String::new();
    let mut is_console = false;
    for line in page.lines() {
        if line.starts_with("```") {
            is_console = line == "```console";
        }
        let prompt = line.split_once("$ ").filter(|(who, _)| is_console && cast.people.contains_key(who));
        match prompt {
            Some((who, command)) => {
                let said = cast.run(who, command)?;
                let _ = writeln!(out, "{line}\n{said}");
                if said.ends_with('\n') || said.is_empty() {
                    out.pop();
                }
            }
            // What was printed when the page was written.
            None if is_console && !line.starts_with("```") => {}
            None => {
                let _ = writeln!(out, "{line}");
            }
        }
    }
    Ok(out)
}

fn check(name: &str) -> Result<()> {
    let file: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    let written = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let real = played(&written)?;
    if std::env::var_os("AGENT_UPDATE_DOCS").is_some() {
        fs::write(&file, &real)?;
        return Ok(());
    }
    let differs = written.lines().zip(real.lines()).find(|(written, real)| written != real);
    ensure!(
        written == real,
        "docs/{name} does not show what the program says: {differs:#?}\nwrite it anew with\n  \
         AGENT_UPDATE_DOCS=1 cargo test -p agent-tests --test e2e told"
    );
    Ok(())
}

#[test]
fn the_guide_shows_what_the_program_says() -> Result<()> {
    check("guide.md")
}

#[test]
fn the_page_for_agents_shows_what_the_program_says() -> Result<()> {
    check("agents.md")
}
