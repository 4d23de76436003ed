//! Credentials and personal data in a document: a diagnostic at each place, and the actions that redact
//! it or allow it there. What counts as a finding, and what a push does about it, is the core's; no message
//! here repeats what was found.

use agent_core::artifact::parse::Format;
use agent_core::secrets::{
    Class, Finding, PERSONAL_DATA, Response, SECRET, ScanPolicy, allowing, not_in, scan,
};
use agent_core::sync::next::{Next, Waits};
use agent_core::text::{Encoding, LineIndex};
use agent_engine::View;

use crate::apply;
use crate::capabilities::Client;
use crate::diagnostics::{Context, bytes_range, make};
use crate::documents::Snapshot;
use crate::types::{CodeActionOrCommand, Diagnostic, DiagnosticSeverity, Position, Range, TextEdit};

/// A credential.
const SECRET_CODE: &str = "secret";
/// Personal data.
const PERSONAL_CODE: &str = "personal-data";

/// The diagnostics of everything found in `text`.
pub(crate) fn diagnostics(
    context: &Context<'_>,
    view: &View,
    text: &str,
    policy: ScanPolicy,
) -> Vec<Diagnostic> {
    let found = scan(text, policy);
    let new = not_in(text, found.clone(), view.remote.as_deref());
    found
        .iter()
        .map(|finding| {
            let known = !new.contains(finding);
            let (severity, says) = said(finding, policy.response(finding.rule.class), known);
            let code = match finding.rule.class {
                Class::Secret => SECRET_CODE,
                Class::Personal => PERSONAL_CODE,
            };
            let message = format!("{} ({}). {says}", capital(finding.rule.name), finding.shown);
            make(context, bytes_range(text, finding.range.clone(), context), severity, code, message)
        })
        .collect()
}

fn said(finding: &Finding, response: Response, known: bool) -> (DiagnosticSeverity, &'static str) {
    use DiagnosticSeverity as Is;
    match (finding.rule.class, response, known) {
        (Class::Secret, _, true) => {
            (Is::WARNING, "The team's copy has it already: have it replaced where it was issued.")
        }
        (Class::Personal, _, true) => (Is::INFORMATION, "The team's copy has it already."),
        (_, Response::Block, _) => {
            (Is::ERROR, "Not pushed while it stands here: redact it, or allow it here.")
        }
        (_, Response::Redact, _) => {
            (Is::ERROR, "Not pushed while it stands here: it is to be redacted, or allowed here.")
        }
        (_, Response::Warn | Response::Off, _) => {
            (Is::WARNING, "It is pushed as it is: redact it, or allow it here.")
        }
    }
}

/// Whether the artifact was held back here for what was found in it, and its diagnostics say so already or
/// the buffer has moved on.
pub(crate) fn explains(view: &View, found: &[Diagnostic], text: &str) -> bool {
    let is_held = view.entry.parked.as_ref().is_some_and(|p| [SECRET, PERSONAL_DATA].contains(&&*p.code));
    let moved_on = view.local.as_deref().is_some_and(|local| local != text);
    is_held && (moved_on || !found.is_empty())
}

/// Whether a closed file is to be looked into: it was held back for what is in it.
pub(crate) fn is_held(view: &View) -> bool {
    view.next == Next::Wait(Waits::Refused) && explains(view, &[], "\0")
}

/// The actions for what was found in `range`.
pub(crate) fn actions(
    document: &Snapshot,
    policy: ScanPolicy,
    range: Range,
    client: Client,
    asked: &[Diagnostic],
) -> Vec<CodeActionOrCommand> {
    let text = &*document.text;
    let name = document.place.as_ref().map_or("", |place| place.path.file_name());
    let format = Format::of_file(name);
    let index = LineIndex::new(text);
    let touches = |finding: &&Finding| {
        let (first, last) = (index.line_of(finding.range.start), index.line_of(finding.range.end));
        first <= range.end.line as usize && last >= range.start.line as usize
    };
    let found = scan(text, policy);
    let mut offered = Vec::new();
    for finding in found.iter().filter(touches) {
        let what = format!("{} ({})", finding.rule.name, finding.shown);
        let at = |offset| position(&index, text, offset, client.encoding);
        let place = Range::new(at(finding.range.start), at(finding.range.end));
        let answers: Vec<_> = asked.iter().filter(|asked| asked.range == place).cloned().collect();
        let mut offer = |title: String, edit: TextEdit| {
            offered.push(apply::fix(document, title, edit, client, &answers));
        };
        offer(format!("Redact {what}"), TextEdit { range: place, new_text: finding.placeholder() });
        let (offset, comment) = allowing(text, finding, format);
        let point = Range::new(at(offset), at(offset));
        offer(format!("Allow {what} here"), TextEdit { range: point, new_text: comment });
    }
    offered
}

fn position(index: &LineIndex, text: &str, offset: usize, encoding: Encoding) -> Position {
    let position = index.position(text, offset, encoding);
    Position::new(position.line, position.character)
}

fn capital(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
