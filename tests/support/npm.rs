//! The packages of the development backend: installed when they are missing or outdated, by one
//! process at a time.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

/// Installs the packages if need be; `say` hears of it before it starts.
pub(crate) fn install(folder: &Path, say: &mut dyn FnMut(&str)) -> Result<()> {
    if is_current(folder) {
        return Ok(());
    }
    let cache = folder.join(".cache");
    fs::create_dir_all(&cache)?;
    let lock = File::create(cache.join("npm-ci.lock"))?;
    lock.lock().context("the lock for installing npm packages")?;
    if is_current(folder) {
        return Ok(());
    }
    say("Installing the npm packages of supabase/dev (once, about half a minute) …");
    let output = Command::new(npm())
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) => bail!("npm does not start ({error}); Node.js 20 or newer is needed, with its npm"),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "npm ci in supabase/dev failed:\n{said}");
    Ok(())
}

/// Runs the tests of the development backend, and returns what they printed; `say` hears of an
/// installation before it starts.
///
/// # Errors
/// What they printed, when one failed.
pub fn test_backend(say: &mut dyn FnMut(&str)) -> Result<String> {
    let folder = crate::binary::project().join("supabase/dev");
    install(&folder, say)?;
    let output = Command::new(npm())
        .args(["test", "--silent"])
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .context("npm does not start")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the tests of supabase/dev failed:\n{said}\n{errors}");
    Ok(said)
}

fn npm() -> &'static str {
    if cfg!(windows) { "npm.cmd" } else { "npm" }
}

/// npm writes `node_modules/.package-lock.json` last, and copies the lockfile's packages into it.
fn is_current(folder: &Path) -> bool {
    let time = |path: &str| fs::metadata(folder.join(path)).and_then(|meta| meta.modified()).ok();
    match (time("node_modules/.package-lock.json"), time("package-lock.json")) {
        (Some(installed), Some(locked)) => installed >= locked,
        _ => false,
    }
}
