//! Hover on a hunk: the remote's text and the base's, who changed it, when, in which version.

use agent_core::merge::{Region, RegionKind};

use crate::capabilities::Client;
use crate::diagnostics::author;
use crate::hunks::Hunks;
use crate::types::{Hover, HoverContents, MarkupContent, MarkupKind, Position, Range};

/// What to show at a position; `None` where no hunk is.
pub(crate) fn at(hunks: &Hunks, position: Position, client: Client) -> Option<Hover> {
    let merge = hunks.merge.as_ref()?;
    let here = Range::new(position, position);
    let shown = |region: &&Region| {
        matches!(region.kind, RegionKind::Remote | RegionKind::Conflict) && Hunks::touches(region, here)
    };
    let region = merge.regions().iter().find(shown)?;
    let version = hunks.view.entry.remote_version().0;
    let what = if region.kind == RegionKind::Conflict { "conflict" } else { "changed" };
    let what = format!("{what}: version {version} by {}", author(&hunks.view));
    let remote = merge.remote_lines(region.remote.clone());
    let base = merge.base_lines(region.base.clone());
    let (kind, value) = if client.markdown_hovers {
        let value = format!("**{what}**\n\nremote:\n{}\nbase:\n{}", fenced(remote), fenced(base));
        (MarkupKind::Markdown, value)
    } else {
        let value = format!("{what}\n\nremote:\n{}\nbase:\n{}", ended(remote), ended(base));
        (MarkupKind::PlainText, value)
    };
    Some(Hover {
        contents: HoverContents::Markup(MarkupContent { kind, value }),
        range: Some(hunks.range(&region.local, client.encoding)),
    })
}

/// A text as a code block whose fence is longer than any in it.
fn fenced(text: &str) -> String {
    if text.is_empty() {
        return ended(text);
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}markdown\n{}{fence}\n", ended(text))
}

/// A text with an end of line.
fn ended(text: &str) -> String {
    match text {
        "" => "(nothing)\n".to_owned(),
        text if text.ends_with(['\n', '\r']) => text.to_owned(),
        text => format!("{text}\n"),
    }
}
