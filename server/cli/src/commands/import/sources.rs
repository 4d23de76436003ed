//! What is to be imported: reads files, folders and standard input, and says of each that cannot be
//! taken why. Writes nothing.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use agent_core::id::Text;

/// A text from elsewhere.
#[derive(Debug)]
pub(super) struct Source {
    /// As somebody named it.
    pub(super) name: String,
    /// The file's name without its extension; `None` for standard input.
    pub(super) stem: Option<String>,
    /// The extension, in lower case.
    pub(super) extension: Option<String>,
    /// The exact content.
    pub(super) text: Text,
}

/// Reads all of them: the texts, and a line for each problem.
pub(super) fn read(names: &[String], extensions: &[String], max_size: u64) -> (Vec<Source>, Vec<String>) {
    let (mut sources, mut problems) = (Vec::new(), Vec::new());
    for name in names.iter().flat_map(|list| listed(list)) {
        let read = match name {
            "-" => standard_input(max_size).map(|source| vec![source]),
            name => files(Path::new(name), extensions)
                .and_then(|files| files.iter().map(|file| one(file, extensions, max_size)).collect()),
        };
        match read {
            Ok(mut found) => sources.append(&mut found),
            Err(problem) => problems.push(problem),
        }
    }
    (sources, problems)
}

/// A file that has a comma in its name is that file, and no list.
fn listed(list: &str) -> Vec<&str> {
    if Path::new(list).exists() {
        return vec![list];
    }
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
}

/// The file itself, or the files of a folder that have one of the extensions.
fn files(path: &Path, extensions: &[String]) -> Result<Vec<PathBuf>, String> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let failed = |error: std::io::Error| format!("{}: cannot be read: {error}", path.display());
    let mut files = Vec::new();
    for file in std::fs::read_dir(path).map_err(failed)? {
        let file = file.map_err(failed)?.path();
        if file.is_file() && extension_of(&file).is_some_and(|known| extensions.contains(&known)) {
            files.push(file);
        }
    }
    files.sort();
    match files.is_empty() {
        true => Err(format!(
            "{}: the folder has no file that ends in .{}",
            path.display(),
            extensions.join(" or .")
        )),
        false => Ok(files),
    }
}

fn one(path: &Path, extensions: &[String], max_size: u64) -> Result<Source, String> {
    let name = path.display().to_string();
    let extension = extension_of(path);
    if !extension.as_ref().is_some_and(|extension| extensions.contains(extension)) {
        return Err(format!("{name}: files of this kind end in .{}", extensions.join(" or .")));
    }
    let size = std::fs::metadata(path).map_err(|error| format!("{name}: cannot be read: {error}"))?.len();
    check_size(&name, size, max_size)?;
    let bytes = std::fs::read(path).map_err(|error| format!("{name}: cannot be read: {error}"))?;
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    Ok(Source { text: text(&name, bytes)?, name, stem, extension })
}

fn standard_input(max_size: u64) -> Result<Source, String> {
    let name = "standard input".to_owned();
    let mut bytes = Vec::new();
    // One byte more than allowed tells a text of the largest size from a larger one.
    let limited = std::io::stdin().lock().take(max_size.saturating_add(1)).read_to_end(&mut bytes);
    limited.map_err(|error| format!("{name}: cannot be read: {error}"))?;
    check_size(&name, bytes.len() as u64, max_size)?;
    Ok(Source { text: text(&name, bytes)?, name, stem: None, extension: None })
}

fn check_size(name: &str, size: u64, max_size: u64) -> Result<(), String> {
    match size > max_size {
        true => Err(format!(
            "{name}: too large, the limit is {max_size} bytes; split it, or raise sync.max_file_size"
        )),
        false => Ok(()),
    }
}

fn text(name: &str, bytes: Vec<u8>) -> Result<Text, String> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("{name}: not UTF-8 (the first bad byte is at offset {at}); convert it to UTF-8")
    })?;
    match text.find('\0') {
        Some(at) => Err(format!("{name}: holds a NUL character at offset {at}; remove it")),
        None => Ok(Text::new(text)),
    }
}

fn extension_of(path: &Path) -> Option<String> {
    path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase())
}
