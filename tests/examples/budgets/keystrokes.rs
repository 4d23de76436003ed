//! From a key that is pressed in an open document to the diagnostics of what it holds then, beside a request that
//! is refused at once: what the pipes and the protocol take.

use agent_tests::Editor;
use anyhow::Result;
use serde_json::json;

use crate::spread::{Spread, timed};
use crate::{SIZES, alone, path};

const KEYS: usize = 500;

pub(crate) fn measure() -> Result<()> {
    for artifacts in SIZES {
        let workspace = alone(artifacts)?;
        let mut editor = Editor::start(&workspace)?;
        editor.wait_status("all artifacts", |status| status["artifacts"] == artifacts)?;
        let path = path(artifacts / 2);
        editor.open(&path)?;
        editor.wait_diagnostics(&path, "any", |_| true)?;
        let refused = Spread::of(KEYS, |_| timed(|| editor.request_refused("agent/nothing", json!({}))))?;
        let end = editor.text(&path)?.len();
        let keys = Spread::of(KEYS, |key| {
            timed(|| {
                editor.replace_at(&path, end + key, end + key, "x")?;
                editor.wait_diagnostics(&path, "any", |_| true)
            })
        })?;
        keys.beside(&format!("a key, {artifacts} artifacts"), &refused, "a request that is refused");
        editor.shutdown()?;
    }
    Ok(())
}
