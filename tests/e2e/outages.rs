//! Things go away, are killed, or were never right: nothing that was saved is lost, and somebody is
//! told. Tests that stop a backend have one of their own.

mod crashes;
mod errors;
mod kills;
mod leaders;
mod offline;
mod rebuild;
mod sections;

use std::sync::Arc;

use agent_tests::{Backend, Options};
use anyhow::Result;
use tempfile::TempDir;

/// A backend that remembers, and where; the folder goes last.
fn lasting_backend() -> Result<(Arc<Backend>, TempDir)> {
    let folder = tempfile::tempdir()?;
    let options = Options { data: Some(folder.path().join("pg")), ..Options::default() };
    Ok((Arc::new(Backend::start_with(options, &mut |_| {})?), folder))
}
