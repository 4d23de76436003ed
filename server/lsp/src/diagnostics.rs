//! What an artifact's situation looks like in the editor: a pure function from the three sides to
//! diagnostics. The codes are stable and documented in docs/diagnostics.md. Each message stands
//! alone, because some clients show neither related information nor links.

use agent_core::artifact::parse::{Format, Section, parse};
use agent_core::id::Timestamp;
use agent_core::merge::{Region, RegionKind};
use agent_core::ports::FileProblem;
use agent_core::secrets::ScanPolicy;
use agent_core::sync::MASS_REVERSION;
use agent_core::sync::next::{Next, Waits};
use agent_core::text::LineIndex;
use agent_engine::{LinkState, View, WAITS_LONG_MILLIS};

use crate::capabilities::Client;
use crate::findings;
use crate::hunks::Hunks;
use crate::states;
use crate::types::{
    CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString,
    Position, Range, Uri,
};

/// A newer revision is there.
pub(crate) const BEHIND: &str = "behind";
/// The remote changed something else than local did.
pub(crate) const MERGES_CLEANLY: &str = "merges-cleanly";
/// Both changed the same lines.
pub(crate) const CONFLICT: &str = "conflict";
/// The remote deleted it.
pub(crate) const DELETED_THERE: &str = "deleted-there";
/// It was deleted here and changed there.
pub(crate) const DELETED_HERE: &str = "deleted-here";
/// The remote moved it to another path.
pub(crate) const MOVED_THERE: &str = "moved-there";
/// Local content has been waiting for long.
pub(crate) const WAITING: &str = "waiting";
/// The remote refused it.
pub(crate) const REFUSED: &str = "refused";
/// Many artifacts went back to earlier versions at once, and wait for a word.
pub(crate) const HELD_BACK: &str = "held-back";
/// The file cannot be taken, or not be written.
pub(crate) const NOT_TAKEN: &str = "not-taken";

/// Somebody else is in the same section.
pub(crate) const SAME_SECTION: &str = "same-section";

/// The longest quote of a text in a message, in characters.
const QUOTE: usize = 60;

/// What making a diagnostic needs besides the sides.
pub(crate) struct Context<'a> {
    pub(crate) client: Client,
    pub(crate) uri: &'a Uri,
    pub(crate) docs: Option<Uri>,
    pub(crate) now: Timestamp,
    pub(crate) link: &'a LinkState,
}

/// Everything there is to say about an artifact. `text` is the buffer's, or the closed file's.
pub(crate) fn of_artifact(
    context: &Context<'_>,
    view: &View,
    hunks: Option<&Hunks>,
    text: &str,
    scan: ScanPolicy,
) -> Vec<Diagnostic> {
    let mut all = hunks.map_or_else(Vec::new, |hunks| of_hunks(context, hunks));
    all.extend(text_missing(context, view));
    all.extend(moved_there(context, view));
    let found = findings::diagnostics(context, view, text, scan);
    if !findings::explains(view, &found, text) {
        all.extend(refused(context, view, text));
    }
    all.extend(found);
    all.extend(waiting(context, view));
    all.extend(view.write_problem.as_ref().map(|problem| not_taken(context, problem)));
    all
}

/// A file that is not taken.
pub(crate) fn not_taken(context: &Context<'_>, problem: &FileProblem) -> Diagnostic {
    let message = format!("Not synced: {problem}. The file is left alone.");
    make(context, first_line(), DiagnosticSeverity::ERROR, NOT_TAKEN, message)
}

/// An artifact deleted here whose remote version changed; there is no file to show it in.
pub(crate) fn deleted_here(context: &Context<'_>, view: &View) -> Diagnostic {
    let key = &view.entry.key;
    let message = format!(
        "You deleted this, but {}. Restore it with: agent sync resolve {key} --theirs; \
         delete it there too with: agent sync resolve {key} --ours",
        changed(context, view, "changed it"),
    );
    make(context, first_line(), DiagnosticSeverity::WARNING, DELETED_HERE, message)
}

/// Somebody else is in the section that is worked in here.
pub(crate) fn same_section(context: &Context<'_>, text: &str, section: &Section, names: &str) -> Diagnostic {
    let range = bytes_range(text, section.range.clone(), context);
    let verb = if names.contains(", ") { "are" } else { "is" };
    let message =
        format!("{names} {verb} in this section too. Whoever saves second merges, or decides line by line.");
    make(context, range, DiagnosticSeverity::INFORMATION, SAME_SECTION, message)
}

/// Without all texts nothing can be compared, and nothing is to be decided.
fn text_missing(context: &Context<'_>, view: &View) -> Option<Diagnostic> {
    let entry = &view.entry;
    let is_new = matches!(view.next, Next::Wait(_)) && entry.base != entry.remote_hash();
    if !is_new || entry.remote_hash().is_none() || view.remote.is_some() {
        return None;
    }
    let message = format!(
        "{}, but its text is missing from the cache, and yours cannot be compared with it. Your text is \
         left alone.",
        changed(context, view, "changed this"),
    );
    Some(make(context, first_line(), DiagnosticSeverity::ERROR, NOT_TAKEN, message))
}

fn of_hunks(context: &Context<'_>, hunks: &Hunks) -> Vec<Diagnostic> {
    let Some(merge) = &hunks.merge else { return vec![deleted_there(context, hunks)] };
    let edited = hunks.is_edited();
    let shown = |region: &&Region| matches!(region.kind, RegionKind::Remote | RegionKind::Conflict);
    merge.regions().iter().filter(shown).map(|region| of_region(context, hunks, region, edited)).collect()
}

fn of_region(context: &Context<'_>, hunks: &Hunks, region: &Region, edited: bool) -> Diagnostic {
    let range = hunks.range(&region.local, context.client.encoding);
    let (theirs, mine) = match &hunks.merge {
        Some(merge) => (merge.remote_lines(region.remote.clone()), merge.local_lines(region.local.clone())),
        None => ("", ""),
    };
    let said = |what| changed(context, &hunks.view, what);
    let theirs = theirs_said(theirs);
    let (severity, code, message) = match region.kind {
        RegionKind::Conflict => {
            let who = said("changed the same lines");
            let mine = quoted(mine);
            let message =
                format!("Conflict: {who}. {theirs} Yours: {mine}. Accept remote, keep local, or both.");
            (DiagnosticSeverity::WARNING, CONFLICT, message)
        }
        _ if edited => {
            let message = format!("{}; it merges cleanly with your changes. {theirs}", said("changed this"));
            (DiagnosticSeverity::INFORMATION, MERGES_CLEANLY, message)
        }
        _ => (DiagnosticSeverity::INFORMATION, BEHIND, format!("{}. {theirs}", said("changed this"))),
    };
    let mut diagnostic = make(context, range, severity, code, message);
    if context.client.related_information {
        diagnostic.related_information = Some(related(context, hunks, region, range));
    }
    diagnostic
}

fn related(
    context: &Context<'_>,
    hunks: &Hunks,
    region: &Region,
    range: Range,
) -> Vec<DiagnosticRelatedInformation> {
    let Some(merge) = &hunks.merge else { return Vec::new() };
    let version = hunks.view.entry.remote_version().0;
    let location = || Location { uri: context.uri.clone(), range };
    let said = |who: String, text: &str| DiagnosticRelatedInformation {
        location: location(),
        message: format!("{who}: {}", if text.is_empty() { "(nothing)" } else { text.trim_end() }),
    };
    vec![
        said(format!("remote, version {version}"), merge.remote_lines(region.remote.clone())),
        said("base".to_owned(), merge.base_lines(region.base.clone())),
    ]
}

fn deleted_there(context: &Context<'_>, hunks: &Hunks) -> Diagnostic {
    let who = author(&hunks.view);
    let version = hunks.view.entry.remote_version().0;
    let when = age(context, &hunks.view);
    let (severity, what) = match hunks.is_edited() {
        true => {
            (DiagnosticSeverity::WARNING, "you have changed it. Keep local version, or accept the deletion.")
        }
        false => {
            (DiagnosticSeverity::INFORMATION, "you have not changed it. Accept the deletion, or keep it.")
        }
    };
    let message = format!("{who} deleted this in version {version}{when}; {what}");
    let title = title_range(&hunks.local, &hunks.view, context);
    make(context, title, severity, DELETED_THERE, message)
}

/// The content is agreed on, only the file waits for being closed.
fn moved_there(context: &Context<'_>, view: &View) -> Option<Diagnostic> {
    let Next::Wait(Waits::Moved) = view.next else { return None };
    let to = &view.entry.remote.as_ref()?.path;
    let message = format!(
        "{}. The file moves there when no editor has it open any more (with closed_files: ask, by agent sync \
         pull). Move it now, or keep it here.",
        changed(context, view, &format!("moved this to {to}")),
    );
    Some(make(context, first_line(), DiagnosticSeverity::INFORMATION, MOVED_THERE, message))
}

fn refused(context: &Context<'_>, view: &View, text: &str) -> Option<Diagnostic> {
    let Next::Wait(Waits::Refused) = view.next else { return None };
    let parked = view.entry.parked.as_ref()?;
    if parked.code == MASS_REVERSION {
        let message = format!("Not pushed yet: {}.", parked.message);
        return Some(make(context, first_line(), DiagnosticSeverity::WARNING, HELD_BACK, message));
    }
    let message = format!(
        "Not pushed: the remote refused it ({}): {}. It is kept here, and tried again when it changes \
         or you push.",
        parked.code, parked.message
    );
    let range = match parked.code.as_str() {
        code if code == "forbidden" || states::is_of_state(code) => state_range(text, view, context),
        _ => first_line(),
    };
    Some(make(context, range, DiagnosticSeverity::ERROR, REFUSED, message))
}

fn waiting(context: &Context<'_>, view: &View) -> Option<Diagnostic> {
    let since = view.entry.waiting_since?;
    let waited = context.now.0 - since.0;
    if waited < WAITS_LONG_MILLIS || matches!(view.next, Next::Wait(_)) {
        return None;
    }
    let reason = match &context.link.trouble {
        Some((_, error)) => error.to_string(),
        None if !context.link.leads => "another agent on this workspace pushes; it has not yet".to_owned(),
        None => "pushing is not automatic here; push it with: agent sync push".to_owned(),
    };
    let message = format!("Saved and kept here, but not pushed for {}: {reason}.", span_of(waited));
    Some(make(context, first_line(), DiagnosticSeverity::INFORMATION, WAITING, message))
}

pub(crate) fn make(
    context: &Context<'_>,
    range: Range,
    severity: DiagnosticSeverity,
    code: &str,
    message: String,
) -> Diagnostic {
    let docs = context.docs.as_ref().filter(|_| context.client.code_description);
    let href = docs.and_then(|docs| format!("{}#{code}", docs.as_str()).parse().ok());
    Diagnostic {
        range,
        severity: Some(severity),
        code: Some(NumberOrString::String(code.to_owned())),
        code_description: href.map(|href| CodeDescription { href }),
        source: Some("agent".to_owned()),
        message,
        ..Diagnostic::default()
    }
}

/// "ann@example.com changed this in version 4, 3 minutes ago".
fn changed(context: &Context<'_>, view: &View, what: &str) -> String {
    let version = view.entry.remote_version().0;
    format!("{} {what} in version {version}{}", author(view), age(context, view))
}

pub(crate) fn author(view: &View) -> String {
    match view.entry.remote.as_ref().map(|remote| &remote.author) {
        Some(author) if !author.name.is_empty() => author.name.clone(),
        Some(author) if !author.id.is_empty() => author.id.clone(),
        _ => "somebody".to_owned(),
    }
}

fn age(context: &Context<'_>, view: &View) -> String {
    match view.entry.remote.as_ref() {
        Some(remote) if remote.at.0 > 0 => format!(", {} ago", span_of(context.now.0 - remote.at.0)),
        _ => String::new(),
    }
}

/// A time span in words, as much as matters.
pub(crate) fn span_of(millis: i64) -> String {
    let seconds = millis.max(0) / 1000;
    let (count, unit) = match seconds {
        0..60 => return "less than a minute".to_owned(),
        60..3600 => (seconds / 60, "minute"),
        3600..86400 => (seconds / 3600, "hour"),
        _ => (seconds / 86400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

fn theirs_said(theirs: &str) -> String {
    if theirs.is_empty() { "Removed there.".to_owned() } else { format!("Theirs: {}.", quoted(theirs)) }
}

/// The first line of a text, in quotes, cut where it is long.
fn quoted(text: &str) -> String {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let Some(first) = lines.next() else {
        return if text.is_empty() { "nothing".to_owned() } else { "an empty line".to_owned() };
    };
    let cut: String = first.trim().chars().take(QUOTE).collect();
    let more = cut.chars().count() < first.trim().chars().count() || lines.next().is_some();
    format!("“{cut}{}”", if more { " …" } else { "" })
}

fn first_line() -> Range {
    Range::new(Position::new(0, 0), Position::new(0, 1))
}

fn title_range(text: &str, view: &View, context: &Context<'_>) -> Range {
    let outline = parse(text, Format::of_file(view.entry.path.file_name()));
    outline.title.map_or_else(first_line, |title| bytes_range(text, title.range, context))
}

fn state_range(text: &str, view: &View, context: &Context<'_>) -> Range {
    let outline = parse(text, Format::of_file(view.entry.path.file_name()));
    outline.state.or(outline.title).map_or_else(first_line, |state| bytes_range(text, state.range, context))
}

pub(crate) fn bytes_range(text: &str, range: std::ops::Range<usize>, context: &Context<'_>) -> Range {
    let index = LineIndex::new(text);
    let at = |offset| {
        let position = index.position(text, offset, context.client.encoding);
        Position::new(position.line, position.character)
    };
    Range::new(at(range.start), at(range.end))
}
