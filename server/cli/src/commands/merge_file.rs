//! `agent merge-file`: `git merge-file` over this program's merge, with the same arguments, result
//! and exit codes, so that it can serve Git as a merge driver. Knows no workspace and no artifact.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use agent_core::merge::Merge;
use agent_core::merge::markers::{Favor, MarkerOptions, Style, render};

use crate::USAGE;
use crate::args::MergeFile;
use crate::manner;
use crate::output::{self, Done};

/// The files could not be merged; CURRENT is as it was.
const FAILED: u8 = 255;
/// More conflicts than this are not counted in the exit code.
const MOST: usize = 127;
/// Git takes a file for binary by looking this far.
const LOOKED_AT: usize = 8000;

/// Merges.
pub(crate) fn run(args: MergeFile) -> Done {
    let code = match merge(&args) {
        Ok(conflicts) => u8::try_from(conflicts.min(MOST)).unwrap_or(FAILED),
        Err((problem, code)) => {
            if !manner::get().quiet {
                output::err(&format!("error: {problem}\n"));
            }
            code
        }
    };
    Done { code, ..Done::default() }
}

/// The number of conflicts, or what is wrong and the exit code for it.
fn merge(args: &MergeFile) -> Result<usize, (String, u8)> {
    if args.labels.len() > 3 {
        return Err(("too many labels on the command line".to_owned(), USAGE));
    }
    let files = [&args.current, &args.base, &args.other];
    let failed = |problem: String| (problem, FAILED);
    let [current, base, other] = files.map(|path| read(path).map_err(failed));
    let (current, base, other) = (current?, base?, other?);
    let encoding = Encoding::of(&[&current, &base, &other]);
    let merge = Merge::of(&encoding.text(&base), &encoding.text(&current), &encoding.text(&other));
    let (text, conflicts) = render(&merge, &options(args, encoding));
    let result = encoding.bytes(text);
    if args.stdout {
        output::bytes(&result);
    } else if result != current {
        let name = args.current.display();
        replace(&args.current, &result)
            .map_err(|error| failed(format!("{name} cannot be written and is as it was: {error}")))?;
    }
    Ok(conflicts)
}

fn options(args: &MergeFile, encoding: Encoding) -> MarkerOptions {
    let files = [&args.current, &args.base, &args.other];
    let label = |n: usize| {
        let given = args.labels.get(n).cloned();
        let label = given.or_else(|| files.get(n).map(|path| path.to_string_lossy().into_owned()));
        label.map(|label| encoding.text(label.as_bytes()).to_string())
    };
    let style = match (args.diff3, args.zdiff3) {
        (true, _) => Style::Diff3,
        (_, true) => Style::ZDiff3,
        _ => Style::Merge,
    };
    let favor = match (args.ours, args.theirs, args.union) {
        (true, ..) => Favor::Ours,
        (_, true, _) => Favor::Theirs,
        (.., true) => Favor::Union,
        _ => Favor::None,
    };
    MarkerOptions { style, favor, labels: [label(0), label(1), label(2)], marker_size: args.marker_size }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let bytes = fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    if bytes.iter().take(LOOKED_AT).any(|byte| *byte == 0) {
        return Err(format!("Cannot merge binary files: {}; nothing was written", path.display()));
    }
    Ok(bytes)
}

/// Puts the result in CURRENT's place in one step, so that a crash leaves the old or the new file.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let target = fs::canonicalize(path)?; // a link stays a link
    let folder = target.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".agent-").suffix(".tmp").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(fs::metadata(&target)?.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|failed| failed.error)?;
    Ok(())
}

/// How bytes become the text that is merged, and back without loss.
#[derive(Debug, Clone, Copy)]
enum Encoding {
    Utf8,
    /// Each byte is the character of that number. Lines and equality are those of the bytes, which
    /// is all that a merge asks, so that any encoding with ASCII line feeds passes through.
    Bytes,
}

impl Encoding {
    fn of(files: &[&[u8]]) -> Self {
        match files.iter().all(|bytes| std::str::from_utf8(bytes).is_ok()) {
            true => Self::Utf8,
            false => Self::Bytes,
        }
    }

    fn text(self, bytes: &[u8]) -> Arc<str> {
        match self {
            Self::Utf8 => String::from_utf8_lossy(bytes).into(),
            Self::Bytes => bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into(),
        }
    }

    fn bytes(self, text: String) -> Vec<u8> {
        match self {
            Self::Utf8 => text.into_bytes(),
            Self::Bytes => text.chars().map(|char| u8::try_from(char).unwrap_or(b'?')).collect(),
        }
    }
}
