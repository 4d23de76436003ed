//! Notices files that change behind the editor's back: a formatter, `git checkout`, another program.
//! Clients differ too much in what they watch to rely on them. What a change means is decided by
//! the scan; a lost event only delays it to the next one.

use std::path::{Path, PathBuf};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// A running watch; dropping it ends it.
pub(crate) struct Watch {
    _watcher: RecommendedWatcher,
    /// The folders that did not exist.
    missing: Vec<PathBuf>,
}

impl Watch {
    /// Whether a folder exists by now that is not watched.
    pub(crate) fn is_outdated(&self) -> bool {
        self.missing.iter().any(|folder| folder.is_dir())
    }
}

/// Watches these folders, as far as they exist. `touched` is called from the watcher's thread with
/// the absolute paths that changed; an empty list means that events were lost.
pub(crate) fn watch(
    root: &Path,
    folders: &[String],
    touched: impl Fn(Vec<PathBuf>) + Send + 'static,
) -> Option<Watch> {
    let on_event = move |event: notify::Result<Event>| match event {
        Ok(event) if event.need_rescan() => touched(Vec::new()),
        Ok(Event { kind: EventKind::Access(_), .. }) => {}
        Ok(event) => touched(event.paths),
        Err(error) => {
            tracing::debug!(%error, "file watching");
            touched(Vec::new());
        }
    };
    let mut watcher = notify::recommended_watcher(on_event)
        .inspect_err(|error| tracing::warn!(%error, "files are not watched; saves and scans still see them"))
        .ok()?;
    // The folders above may not exist yet; `.agent` itself tells when one appears.
    let _ = watcher.watch(&root.join(".agent"), RecursiveMode::NonRecursive);
    let (there, missing) =
        folders.iter().map(|folder| root.join(folder)).partition::<Vec<_>, _>(|at| at.is_dir());
    for path in there {
        if let Err(error) = watcher.watch(&path, RecursiveMode::Recursive) {
            tracing::warn!(%error, path = %path.display(), "not watched; saves and scans still see it");
        }
    }
    Some(Watch { _watcher: watcher, missing })
}
