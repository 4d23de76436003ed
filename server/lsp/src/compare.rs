//! "Compare": the remote's version and the base as read-only files, and a diff, for clients without
//! virtual documents. They live under `.agent/cache/views/` and are nothing but pictures.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use similar::TextDiff;

use crate::hunks::Hunks;

/// The page that explains the diagnostics, as the program carries it.
const DIAGNOSTICS_PAGE: &str = include_str!("../../../docs/diagnostics.md");

/// Writes the diff of local to remote, with both other sides beside it; answers the diff's file.
pub(crate) fn write(views: &Path, hunks: &Hunks) -> io::Result<PathBuf> {
    let entry = &hunks.view.entry;
    let name = format!("{}-{}", entry.key.kind.as_str(), entry.key.id.as_str());
    let version = entry.remote_version().0;
    let remote = hunks.remote.as_deref().unwrap_or_default();
    put(&views.join(format!("{name}.remote.md")), remote)?;
    put(&views.join(format!("{name}.base.md")), hunks.base.as_deref().unwrap_or_default())?;
    let diff = TextDiff::from_lines(&*hunks.local, remote);
    let names = (format!("{name} (yours)"), format!("{name} (remote, version {version})"));
    let text = diff.unified_diff().context_radius(3).header(&names.0, &names.1).to_string();
    let file = views.join(format!("{name}.diff"));
    put(&file, &text)?;
    Ok(file)
}

/// Puts the documentation of the diagnostics where an editor can open it without a network.
pub(crate) fn write_docs(views: &Path) -> io::Result<PathBuf> {
    let file = views.join("diagnostics.md");
    if fs::read_to_string(&file).is_ok_and(|text| text == DIAGNOSTICS_PAGE) {
        return Ok(file);
    }
    put(&file, DIAGNOSTICS_PAGE)?;
    Ok(file)
}

/// Replaces a read-only file.
fn put(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::write(path, text)?;
    let mut permissions = fs::metadata(path)?.permissions();
    permissions.set_readonly(true);
    fs::set_permissions(path, permissions)
}
