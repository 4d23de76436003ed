//! `agent sync resolve` at a terminal: shows one hunk after the other and takes a key for each. Every
//! choice is made at once and for good, as a code action in an editor is; leaving in the middle leaves
//! what was chosen. How a hunk looks is in [`screen`](super::screen).

use std::io::Write as _;

use agent_core::id::ArtifactKey;
use agent_core::merge::{Choice, Merge, Region};
use agent_core::sync::Entry;
use agent_core::sync::resolve::Take;
use agent_engine::history::BringBack;
use agent_engine::resolve::Ask;
use console::{Key, Term};

use super::screen::{Hunk, Side};
use super::{Report, Resolved};
use crate::output::{self, Done};
use crate::place::now;
use crate::show::{Paint, Row, Turn};
use crate::work::Work;

/// What stands between a hunk's new text and what is dropped.
const CUT: &str = "<!-- agent: what stands above this line takes the hunk's place; nothing below does -->";

const HELP: &str = "\
  l  keep the local lines            b  keep both, the local lines first
  r  take the remote's lines         B  keep both, the remote's lines first
  e  edit the hunk in your editor ($VISUAL, $EDITOR)
  s  leave this hunk for later       S  leave the whole artifact for later
  u  take the last choice back       q  stop here; what was chosen stays
";

/// Where somebody is.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    artifact: usize,
    hunk: usize,
}

/// What is to be decided there.
enum Open {
    /// A region of a merge.
    Hunk { merge: Box<Merge>, index: usize, number: usize, of: usize },
    /// One side is deleted: only whole sides can be taken.
    Deleted,
}

enum Answer {
    Take(Choice),
    Edit,
    Skip,
    SkipAll,
    Undo,
    Quit,
    Help,
    /// A key that means nothing here.
    Nothing,
}

struct Walk {
    work: Work,
    keys: Vec<ArtifactKey>,
    /// Where each choice was made, for taking it back.
    made: Vec<Place>,
    term: Term,
}

/// Goes through the conflicts of these artifacts.
pub(super) fn run(work: Work, entries: &[Entry], dry_run: bool) -> anyhow::Result<Done> {
    let keys = entries.iter().map(|entry| entry.key.clone()).collect();
    let mut walk = Walk { work, keys, made: Vec::new(), term: Term::stdout() };
    walk.go();
    walk.report(dry_run)
}

impl Walk {
    fn go(&mut self) {
        let mut at = Place::default();
        while let Some(key) = self.keys.get(at.artifact).cloned() {
            let next = Place { artifact: at.artifact + 1, hunk: 0 };
            let Some(entry) = self.work.entry(&key).cloned() else {
                at = next;
                continue;
            };
            let Some(open) = self.open(&entry, at.hunk) else {
                at = next;
                continue;
            };
            self.show(&entry, &open);
            let problem = match self.ask(&open) {
                Answer::Take(choice) => self.take(at, &entry, open.take(choice)).err(),
                Answer::Edit => self.edit(at, &entry, &open).err(),
                Answer::Skip => {
                    at.hunk += 1;
                    None
                }
                Answer::SkipAll => {
                    at = next;
                    None
                }
                Answer::Undo => match self.undo() {
                    Ok(place) => {
                        at = place;
                        None
                    }
                    Err(problem) => Some(problem),
                },
                Answer::Help => {
                    output::out(HELP);
                    None
                }
                Answer::Nothing => Some("that key means nothing here; ? explains them".to_owned()),
                Answer::Quit => return,
            };
            if let Some(problem) = problem {
                output::out(&format!("{}\n", Paint::stdout().red(&problem)));
            }
        }
    }

    /// What there is to decide with an artifact, after so many hunks were left for later.
    fn open(&self, entry: &Entry, skipped: usize) -> Option<Open> {
        match Turn::of(&self.work, entry) {
            Turn::Conflict | Turn::FindBase => {
                let merge = self.work.merge_of(entry)?;
                let of = merge.conflicts().count();
                let (index, _) = merge.conflicts().nth(skipped)?;
                Some(Open::Hunk { merge: Box::new(merge), index, number: skipped + 1, of })
            }
            Turn::DeletedHere | Turn::DeletedThere if skipped == 0 => Some(Open::Deleted),
            _ => None,
        }
    }

    fn show(&self, entry: &Entry, open: &Open) {
        let (row, paint) = (Row::of(&self.work, entry), Paint::stdout());
        let by = row.author.as_ref().map_or_else(String::new, |author| format!(" by {author}"));
        let head = format!("{}  {}", row.key(), row.path);
        let text = match open {
            Open::Deleted => format!("\n{}  {}\n", paint.bold(&head), row.why()),
            Open::Hunk { merge, index, number, of } => {
                let Some(region) = merge.regions().get(*index) else { return };
                let version = format!("version {}{by}", row.remote_version);
                let width = usize::from(self.term.size().1);
                let hunk = hunk(merge, region, version).draw(width, paint);
                format!("\n{}  hunk {number} of {of}\n{hunk}", paint.bold(&head))
            }
        };
        output::out(&text);
    }

    fn ask(&self, open: &Open) -> Answer {
        let keys = match open {
            Open::Hunk { .. } => "[l]ocal, [r]emote, [b]oth, [e]dit, [s]kip, [u]ndo, [q]uit, [?] ",
            Open::Deleted => "[l]ocal, [r]emote, [s]kip, [u]ndo, [q]uit, [?] ",
        };
        output::out(&Paint::stdout().bold(keys));
        // A terminal that is gone has nothing more to say.
        let key = self.term.read_key().unwrap_or(Key::Escape);
        let is_hunk = matches!(open, Open::Hunk { .. });
        let (word, answer) = match key {
            Key::Char('l') => ("local", Answer::Take(Choice::Local)),
            Key::Char('r') => ("remote", Answer::Take(Choice::Remote)),
            Key::Char('b') if is_hunk => ("both, local first", Answer::Take(Choice::LocalThenRemote)),
            Key::Char('B') if is_hunk => ("both, remote first", Answer::Take(Choice::RemoteThenLocal)),
            Key::Char('e') if is_hunk => ("edit", Answer::Edit),
            Key::Char('s') => ("skip", Answer::Skip),
            Key::Char('S') => ("skip all of it", Answer::SkipAll),
            Key::Char('u') => ("undo", Answer::Undo),
            Key::Char('q' | '\u{4}') | Key::Escape => ("quit", Answer::Quit),
            Key::Char('?' | 'h') => ("help", Answer::Help),
            _ => ("", Answer::Nothing),
        };
        output::out(&format!("{word}\n"));
        answer
    }

    fn take(&mut self, at: Place, entry: &Entry, take: Take) -> Result<(), String> {
        let ask = asked(entry, take);
        self.work.session.engine.resolve(&ask, now()).map_err(|error| error.to_string())?;
        self.made.push(at);
        Ok(())
    }

    /// Puts what somebody makes of the hunk in an editor in its place.
    fn edit(&mut self, at: Place, entry: &Entry, open: &Open) -> Result<(), String> {
        let Open::Hunk { merge, index, .. } = open else { return Ok(()) };
        let region = merge.regions().get(*index).ok_or("there is no such hunk any more")?;
        let (local, remote) =
            (merge.local_lines(region.local.clone()), merge.remote_lines(region.remote.clone()));
        let ended = |text: &str| match text.is_empty() || text.ends_with('\n') {
            true => text.to_owned(),
            false => format!("{text}\n"),
        };
        let ask = asked(entry, Take::Hunk(*index, Choice::Local));
        // Known before somebody writes for nothing.
        self.work.session.engine.preview(&ask).map_err(|error| error.to_string())?;
        let base = merge.base_lines(region.base.clone());
        let given = format!("{}{}{CUT}\n\nThe base was:\n\n{base}", ended(local), ended(remote));
        let mut editor = dialoguer::Editor::new();
        let edited = editor.extension(".md").edit(&given).map_err(|error| format!("no editor: {error}"))?;
        let edited = edited.ok_or("nothing was saved, so nothing was chosen")?;
        let (made, _) = edited.split_once(CUT).ok_or_else(|| {
            kept(&edited, "the line that begins with <!-- agent: is gone; nothing was chosen")
        })?;
        let text = replaced(merge, region, made);
        let done = self.work.session.engine.resolve_with(&ask, &text, now());
        done.map_err(|error| kept(made, &error.to_string()))?;
        self.made.push(at);
        Ok(())
    }

    /// Takes the last choice back; answers where it was made.
    fn undo(&mut self) -> Result<Place, String> {
        let place = *self.made.last().ok_or("nothing was chosen yet")?;
        let key = &self.keys[place.artifact];
        let engine = &mut self.work.session.engine;
        let taken = engine.unit(None, Some(key)).and_then(|unit| {
            let reversal = engine.preview_undo(&unit)?;
            let (text, base) = (reversal.local, reversal.base);
            engine.bring_back(&BringBack { key: key.clone(), text, base, undoes: Some(unit.id) }, now())
        });
        taken.map_err(|error| error.to_string())?;
        self.made.pop();
        Ok(place)
    }

    /// What became of each.
    fn report(self, dry_run: bool) -> anyhow::Result<Done> {
        let work = self.work;
        let of = |(n, key): (usize, &ArtifactKey)| {
            let row = Row::of(&work, work.entry(key)?);
            let is_chosen = self.made.iter().any(|place| place.artifact == n);
            let why = if row.went_back { row.why() } else { "nothing was chosen".to_owned() };
            Some(Resolved {
                kind: row.kind,
                id: row.id,
                path: row.path,
                resolved: is_chosen,
                conflicts: row.conflicts,
                next: row.next,
                problem: (!is_chosen).then(|| format!("{key}: {why}")),
            })
        };
        let artifacts: Vec<Resolved> = self.keys.iter().enumerate().filter_map(of).collect();
        let left = artifacts.iter().any(|artifact| !artifact.resolved || artifact.conflicts > 0);
        let report = Report { dry_run, artifacts };
        Ok(Done::new(super::text(&report), &report)?.with(work.notes, left))
    }
}

impl Open {
    fn take(&self, choice: Choice) -> Take {
        match self {
            Self::Hunk { index, .. } => Take::Hunk(*index, choice),
            Self::Deleted => Take::All(choice),
        }
    }
}

/// Why nothing came of what somebody wrote, and where that is.
fn kept(text: &str, why: &str) -> String {
    let file = tempfile::Builder::new().prefix("agent-edit-").suffix(".md").tempfile();
    let kept = file.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        Ok(file.keep()?.1)
    });
    match kept {
        Ok(path) => format!("{why}; what you wrote is in {}", path.display()),
        Err(error) => format!("{why}; what you wrote could not be kept either ({error}):\n{text}"),
    }
}

fn asked(entry: &Entry, take: Take) -> Ask {
    let seen = Some((entry.base, entry.remote_version()));
    Ask { key: entry.key.clone(), take, seen, even_open: false }
}

fn hunk<'m>(merge: &'m Merge, region: &Region, version: String) -> Hunk<'m> {
    let side = |title: &str, lines: &std::ops::Range<usize>, text: &'m str| Side {
        title: match lines.len() {
            0 => format!("{title}, nothing"),
            1 => format!("{title}, line {}", lines.start + 1),
            _ => format!("{title}, lines {}-{}", lines.start + 1, lines.end),
        },
        text,
    };
    Hunk {
        base: side("base", &region.base, merge.base_lines(region.base.clone())),
        local: side("local", &region.local, merge.local_lines(region.local.clone())),
        remote: side(
            &format!("remote, {version}"),
            &region.remote,
            merge.remote_lines(region.remote.clone()),
        ),
    }
}

/// The local text with other lines in the place of a region's.
fn replaced(merge: &Merge, region: &Region, made: &str) -> String {
    let end = merge.regions().last().map_or(0, |last| last.local.end);
    let (before, after) =
        (merge.local_lines(0..region.local.start), merge.local_lines(region.local.end..end));
    let gap = |text: &str, next: &str| {
        if text.is_empty() || text.ends_with('\n') || next.is_empty() { "" } else { "\n" }
    };
    format!("{before}{}{made}{}{after}", gap(before, made), gap(made, after))
}
