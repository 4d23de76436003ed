//! Hover on a hunk: the remote's text and the base's, who changed it, when, in which version.

use agent_core::merge::{Region, RegionKind};
use agent_core::text::Encoding;

use crate::diagnostics::author;
use crate::hunks::Hunks;
use crate::types::{Hover, HoverContents, MarkupContent, MarkupKind, Position, Range};

/// What to show at a position; `None` where no hunk is.
pub(crate) fn at(hunks: &Hunks, position: Position, encoding: Encoding) -> Option<Hover> {
    let merge = hunks.merge.as_ref()?;
    let here = Range::new(position, position);
    let shown = |region: &&Region| {
        matches!(region.kind, RegionKind::Remote | RegionKind::Conflict) && Hunks::touches(region, here)
    };
    let region = merge.regions().iter().find(shown)?;
    let version = hunks.view.entry.remote_version().0;
    let what = if region.kind == RegionKind::Conflict { "conflict" } else { "changed" };
    let remote = merge.remote_lines(region.remote.clone());
    let base = merge.base_lines(region.base.clone());
    let value = format!(
        "**{what}: version {version} by {}**\n\nremote:\n{}\nbase:\n{}",
        author(&hunks.view),
        fenced(remote),
        fenced(base)
    );
    Some(Hover {
        contents: HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value }),
        range: Some(hunks.range(&region.local, encoding)),
    })
}

/// A text as a code block whose fence is longer than any in it.
fn fenced(text: &str) -> String {
    if text.is_empty() {
        return "(nothing)\n".to_owned();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let end = if text.ends_with(['\n', '\r']) { "" } else { "\n" };
    format!("{fence}markdown\n{text}{end}{fence}\n")
}
