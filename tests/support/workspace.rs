//! A project folder of one user on one machine: its artifacts, its configuration, its own
//! `AGENT_HOME`, and the command line run in it with nothing else in the environment.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::binary::agent_binary;
use crate::team::{Team, User};

/// What a command of the program did.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The exit code; -1 when a signal ended it.
    pub code: i32,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Ran {
    /// The one JSON object of a command run with `--json`.
    ///
    /// # Errors
    /// When the output is none.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.out).with_context(|| format!("no JSON: {self:?}"))
    }

    /// Fails unless it ended with this code and said all of this, on whichever output.
    ///
    /// # Errors
    /// Then, and says what is missing.
    pub fn says(&self, code: i32, words: &[&str]) -> Result<&Self> {
        ensure!(self.code == code, "not {code}: {self:?}");
        for word in words {
            ensure!(self.out.contains(word) || self.err.contains(word), "no {word:?} in {self:?}");
        }
        Ok(self)
    }

    /// Fails if it said any of this.
    ///
    /// # Errors
    /// Then.
    pub fn tells_none(&self, secrets: &[&str]) -> Result<&Self> {
        for secret in secrets {
            ensure!(!self.out.contains(secret) && !self.err.contains(secret), "{secret:?} is told: {self:?}");
        }
        Ok(self)
    }
}

/// A command that is under way.
#[derive(Debug)]
pub struct Conversation {
    child: Child,
    stderr: ChildStderr,
    said: String,
}

impl Conversation {
    /// Reads what it says until `found` finds something in it.
    ///
    /// # Errors
    /// When it ends first.
    pub fn hear<T>(&mut self, found: impl Fn(&str) -> Option<T>) -> Result<T> {
        loop {
            if let Some(found) = found(&self.said) {
                return Ok(found);
            }
            let mut byte = [0];
            ensure!(self.stderr.read(&mut byte)? == 1, "it ended and said only: {}", self.said);
            self.said.push(char::from(byte[0]));
        }
    }

    /// Says something to it, and waits for its end.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn end(mut self, say: &str) -> Result<Ran> {
        if let Some(mut stdin) = self.child.stdin.take() {
            let _ = stdin.write_all(say.as_bytes());
        }
        let (mut out, mut err) = (String::new(), self.said);
        self.stderr.read_to_string(&mut err)?;
        self.child.stdout.take().context("no standard output")?.read_to_string(&mut out)?;
        Ok(Ran { code: self.child.wait()?.code().unwrap_or(-1), out, err })
    }
}

/// A project folder. It goes when dropped, unless kept.
#[derive(Debug)]
pub struct Workspace {
    folder: TempDir,
    root: PathBuf,
    home: PathBuf,
    anon_key: String,
    env: Vec<(String, String)>,
}

impl Workspace {
    /// An empty one, without configuration. `name` shows in paths.
    ///
    /// # Errors
    /// When folders cannot be made.
    pub fn new(name: &str) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix(&format!("agent-{name}-")).tempdir()?;
        let base = fs::canonicalize(folder.path())?;
        let (root, home) = (base.join("project"), base.join("home"));
        fs::create_dir_all(root.join(".agent/etc"))?;
        fs::create_dir_all(&home)?;
        Ok(Self { folder, root, home, anon_key: String::new(), env: Vec::new() })
    }

    /// One that is configured for a team.
    ///
    /// # Errors
    /// As above.
    pub fn of_team(name: &str, team: &Team) -> Result<Self> {
        Self::configured(name, team, "auto_push: true")
    }

    /// One that is configured for a team, with this line in the `sync` section.
    ///
    /// # Errors
    /// As above.
    pub fn configured(name: &str, team: &Team, sync: &str) -> Result<Self> {
        let mut workspace = Self::new(name)?;
        workspace.anon_key = team.backend.anon_key().to_owned();
        workspace.configure(&config(team.backend.url(), &team.id, sync))?;
        Ok(workspace)
    }

    /// Writes `.agent/etc/sync.yaml`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn configure(&self, yaml: &str) -> Result<()> {
        Ok(fs::write(self.root.join(".agent/etc/sync.yaml"), yaml)?)
    }

    /// Sets what `SUPABASE_ANON_KEY` holds in this workspace.
    pub fn set_anon_key(&mut self, key: &str) {
        key.clone_into(&mut self.anon_key);
    }

    /// Sets an environment variable in this workspace.
    pub fn set_env(&mut self, name: &str, value: &str) {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.to_owned()));
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where sign-ins are kept.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The file of an artifact.
    pub fn file(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The address of an artifact's file, as editors write it.
    pub fn uri(&self, path: &str) -> String {
        let file = self.file(path);
        url::Url::from_file_path(&file).map_or_else(|()| file.display().to_string(), |url| url.to_string())
    }

    /// Writes a file, with the folders above it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> Result<()> {
        let file = self.file(path);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&file, content).with_context(|| file.display().to_string())
    }

    /// Changes a file so that nothing is lost that another program writes to it at that moment: it is
    /// taken away, changed, and put back.
    ///
    /// # Errors
    /// When it is not there, or cannot be written.
    pub fn change(&self, path: &str, change: impl FnOnce(&str) -> Result<String>) -> Result<()> {
        let file = self.file(path);
        let beside = file.with_extension("swp");
        fs::rename(&file, &beside).with_context(|| file.display().to_string())?;
        let changed = fs::read_to_string(&beside).map_err(Into::into).and_then(|text| change(&text));
        if let Ok(text) = &changed {
            fs::write(&beside, text)?;
        }
        fs::rename(&beside, &file)?;
        changed.map(drop)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, path: &str) -> Result<String> {
        let file = self.file(path);
        fs::read_to_string(&file).with_context(|| file.display().to_string())
    }

    /// Removes a file.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, path: &str) -> Result<()> {
        let file = self.file(path);
        fs::remove_file(&file).with_context(|| file.display().to_string())
    }

    /// Fails unless a file holds exactly this; `None`: unless it is absent.
    ///
    /// # Errors
    /// Then, and says what it holds.
    pub fn expect(&self, path: &str, content: Option<&str>) -> Result<()> {
        let found = match self.file(path).exists() {
            true => Some(self.read(path)?),
            false => None,
        };
        ensure!(found.as_deref() == content, "{path} is {found:?}, not {content:?}");
        Ok(())
    }

    /// Every artifact file, by its path below the project.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn artifacts(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let mut all = Vec::new();
        for entry in walkdir::WalkDir::new(self.root.join(".agent")).sort_by_file_name() {
            let entry = entry?;
            let inside = entry.path().strip_prefix(&self.root)?.to_string_lossy().replace('\\', "/");
            let is_own = [
                ".agent/cache/agent.",
                ".agent/cache/views/",
                ".agent/etc/",
                ".agent/logs/",
                ".agent/.gitignore",
            ];
            if entry.file_type().is_file() && !is_own.iter().any(|own| inside.starts_with(own)) {
                all.push((inside, fs::read(entry.path())?));
            }
        }
        Ok(all)
    }

    /// The program, ready to run in this folder with a bare environment.
    ///
    /// # Errors
    /// When it does not build.
    pub fn command(&self) -> Result<Command> {
        self.command_of(agent_binary()?)
    }

    /// Any program, in this folder and with that environment.
    ///
    /// # Errors
    /// None at present.
    pub fn command_of(&self, program: impl AsRef<std::ffi::OsStr>) -> Result<Command> {
        let mut command = Command::new(program);
        command.current_dir(&self.root).env_clear();
        for kept in ["PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR"] {
            command.envs(std::env::var_os(kept).map(|value| (kept, value)));
        }
        command.env("HOME", &self.home).env("AGENT_HOME", &self.home);
        command.env("RUST_BACKTRACE", "1").env("SUPABASE_ANON_KEY", &self.anon_key);
        // No test may reach the keyring of whoever runs it.
        command.env("AGENT_KEYRING", "off");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }

    /// Runs a command of the program.
    ///
    /// # Errors
    /// When it does not start.
    pub fn agent(&self, args: &[&str]) -> Result<Ran> {
        self.agent_with(args, "")
    }

    /// Runs a command of the program with something on its standard input.
    ///
    /// # Errors
    /// When it does not start.
    pub fn agent_with(&self, args: &[&str], input: &str) -> Result<Ran> {
        let mut command = self.command()?;
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that reads nothing may be gone already.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let ran = Ran {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        };
        ensure!(!ran.err.contains("panicked at"), "agent {args:?} panicked: {ran:?}");
        Ok(ran)
    }

    /// Starts a command of the program that asks something on its standard error.
    ///
    /// # Errors
    /// When it does not start.
    pub fn converse(&self, args: &[&str]) -> Result<Conversation> {
        let mut command = self.command()?;
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let stderr = child.stderr.take().context("no standard error")?;
        Ok(Conversation { child, stderr, said: String::new() })
    }

    /// Runs a command that must succeed.
    ///
    /// # Errors
    /// When it does not.
    pub fn agent_ok(&self, args: &[&str]) -> Result<Ran> {
        let ran = self.agent(args)?;
        ensure!(ran.code == 0, "agent {args:?} failed: {ran:?}");
        Ok(ran)
    }

    /// Signs somebody in.
    ///
    /// # Errors
    /// When it is refused.
    pub fn login(&self, who: &User) -> Result<()> {
        let args = ["login", "--email", &who.email, "--password-stdin"];
        let ran = self.agent_with(&args, &format!("{}\n", who.password()))?;
        ensure!(ran.code == 0, "agent login failed: {ran:?}");
        Ok(())
    }

    /// Fails unless the cache says that everything is in sync.
    ///
    /// # Errors
    /// Then, and says what is not.
    pub fn expect_clean(&self) -> Result<()> {
        let status = self.agent_ok(&["sync", "status", "--json"])?.json()?;
        let left = status["artifacts"].as_array().context("no artifacts in the status")?;
        if !left.is_empty() {
            bail!("not in sync: {}", serde_json::to_string_pretty(left)?);
        }
        Ok(())
    }

    /// Leaves the folder where it is when this goes; answers the project's folder and its
    /// `AGENT_HOME`.
    pub fn keep(self) -> (PathBuf, PathBuf) {
        let _ = self.folder.keep();
        (self.root, self.home)
    }
}

/// A configuration for a team on a backend.
pub(crate) fn config(url: &str, team: &str, sync: &str) -> String {
    // Who else is in a section depends on moments that only the tests of presence wait for.
    let alone = if sync.contains("presence:") { "" } else { "\n  presence: false" };
    format!(
        "remote:\n  url: {url}\n  anon_key: ${{SUPABASE_ANON_KEY}}\n  team_id: {team}\n\
         sync:\n  {sync}{alone}\n"
    )
}
