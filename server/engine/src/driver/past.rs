//! What there is to go back to of open artifacts, and what a buffer becomes when something is taken
//! back. The buffer is its editor's: here it is only computed.

use std::sync::Arc;

use agent_core::id::{ArtifactKey, ContentHash, Text};
use agent_core::ports::{History as _, OperationQuery, Recorded, Store as _};
use agent_core::sync::history::earlier;
use agent_core::sync::undo::{Unit, latest};

use super::Driver;
use super::handle::{Found, Undone};
use crate::view::{Past, Undoable};

/// How far back an artifact's history is looked at, in operations.
const LOOKED_AT: usize = 100;
/// How many contents are offered.
const OFFERED: usize = 10;

/// Which unit is to be taken back out of which sides of a buffer.
#[derive(Debug)]
pub(super) struct UndoAsk {
    pub(super) unit: Unit,
    pub(super) base: Option<Text>,
    pub(super) local: Text,
}

impl Driver {
    /// What there is to go back to; nothing while the cache cannot be read.
    pub(super) fn past(&self, key: &ArtifactKey) -> Past {
        let query = OperationQuery { key: Some(key.clone()), from: None, limit: Some(LOOKED_AT) };
        let operations = self.session.engine.store().recorded(&query).unwrap_or_default();
        let undo = latest(&operations).filter(is_within_a_text).and_then(|unit| undoable(&operations, unit));
        Past { earlier: earlier(&operations, OFFERED), undo }
    }

    pub(super) fn texts(&self, hashes: &[ContentHash], answer: Found) {
        let text = |hash: &ContentHash| self.session.engine.store().text(*hash).ok().flatten();
        answer(hashes.iter().map(text).collect::<Vec<Option<Arc<str>>>>());
    }

    pub(super) fn preview_undo(&self, ask: UndoAsk, answer: Undone) {
        answer(self.session.engine.preview_undo_in(&ask.unit, ask.base, Some(ask.local)));
    }
}

/// Whether there was a file before and after: a document cannot come into being, or go, by an edit.
fn is_within_a_text(unit: &Unit) -> bool {
    unit.before.local.is_some() && unit.after.local.is_some()
}

fn undoable(operations: &[Recorded], unit: Unit) -> Option<Undoable> {
    let named = operations.iter().find(|recorded| recorded.id == unit.id)?;
    let operation = &named.operation;
    let (at, version) = (operation.at, operation.remote_version);
    Some(Undoable { unit, at, author: operation.author.clone(), version })
}
