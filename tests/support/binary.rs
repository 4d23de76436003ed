//! The program under test, built once per test process.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::Value;

/// The built `agent`. With `AGENT_BINARY` set, that one is used as it is.
///
/// # Errors
/// When it does not build.
pub fn agent_binary() -> Result<&'static Path> {
    static BUILT: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    built.as_deref().map_err(|error| anyhow!("{error}"))
}

/// The project's folder.
pub fn project() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_owned()
}

fn build() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("AGENT_BINARY").filter(|given| !given.is_empty()) {
        return Ok(PathBuf::from(given));
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--package", "agent-cli", "--bin", "agent", "--profile", &profile()?])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(project())
        .stderr(Stdio::inherit())
        .output()
        .context("cargo does not start")?;
    ensure!(output.status.success(), "the program under test does not build");
    let messages = String::from_utf8_lossy(&output.stdout).into_owned();
    let executable = messages.lines().rev().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        (message["target"]["name"] == "agent").then(|| message["executable"].as_str().map(PathBuf::from))?
    });
    executable.context("cargo built the program but did not say where")
}

/// The profile this process was built with, by the folder it lies in.
fn profile() -> Result<String> {
    let own = std::env::current_exe().context("this program's own path")?;
    let is_inner = |folder: &Path| folder.ends_with("deps") || folder.ends_with("examples");
    let folder = own.ancestors().skip(1).find(|folder| !is_inner(folder)).and_then(Path::file_name);
    let name = folder.context("this program lies in no folder")?.to_string_lossy().into_owned();
    Ok(if name == "debug" { "dev".to_owned() } else { name })
}
