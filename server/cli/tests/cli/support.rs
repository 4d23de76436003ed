//! A temporary project, and the binary run in it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A project folder, and a home for sign-ins beside it.
pub(crate) struct Project {
    folder: tempfile::TempDir,
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn new(output: Output) -> Self {
        Self {
            code: output.status.code().expect("ends by itself"),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs a command to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::new(command.output().expect("runs"))
    }

    /// The one JSON object on standard output.
    pub(crate) fn json(&self) -> Value {
        let value: Value = serde_json::from_str(&self.out).expect("one JSON object");
        assert_eq!(value["version"], 1);
        value
    }

    /// Asserts the exit code and that these words were said, on either stream.
    pub(crate) fn says(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        for word in words {
            assert!(self.out.contains(word) || self.err.contains(word), "{word:?} is not in {self:#?}");
        }
        assert!(!self.err.contains("panicked"), "{self:#?}");
        self
    }
}

impl Project {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        let project = Self { folder: tempfile::tempdir().expect("a folder") };
        fs::create_dir(project.root()).expect("a folder");
        project
    }

    /// A workspace with these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let project = Self::empty();
        files.iter().for_each(|(path, text)| project.write(path, text));
        project.run(&["sync", "init"]).says(0, &[]);
        project
    }

    /// The folder around the project and the home.
    pub(crate) fn base(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("written");
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).expect("readable")
    }

    pub(crate) fn command(&self, program: impl AsRef<Path>, args: &[&str]) -> Command {
        let mut command = Command::new(program.as_ref());
        command.args(args).current_dir(self.root()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.folder.path()).env("AGENT_HOME", self.folder.path().join("home"));
        // No test may reach the keyring of whoever runs it.
        command.env("AGENT_KEYRING", "off");
        command.env("GIT_CONFIG_NOSYSTEM", "1").stdin(Stdio::null());
        command
    }

    /// Runs the binary.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, &[])
    }

    /// Runs the binary with environment variables.
    pub(crate) fn run_with(&self, args: &[&str], env: &[(&str, &str)]) -> Ran {
        let mut command = self.command(env!("CARGO_BIN_EXE_agent"), args);
        Ran::new(command.envs(env.iter().copied()).output().expect("runs"))
    }

    /// Runs the binary with something to read.
    pub(crate) fn run_reading(&self, args: &[&str], env: &[(&str, &str)], input: &str) -> Ran {
        let mut command = self.command(env!("CARGO_BIN_EXE_agent"), args);
        command.envs(env.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("runs");
        // A program that fails early does not read.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        Ran::new(child.wait_with_output().expect("ends"))
    }
}
