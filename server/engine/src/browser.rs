//! Opens an address in the person's browser, where this machine has one to show it in.

use url::Url;

/// Opens the address; answers whether a browser was started. On a machine without a screen none is:
/// what the system would start there is a program for the terminal that this one runs in.
pub fn open(url: &Url) -> bool {
    if !has_screen() || !matches!(url.scheme(), "http" | "https") {
        return false;
    }
    match open::that_detached(url.as_str()) {
        Ok(()) => true,
        Err(error) => {
            tracing::debug!(%error, "no browser was started");
            false
        }
    }
}

/// Only these systems can be without one.
#[cfg(all(unix, not(target_os = "macos")))]
fn has_screen() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|it| !it.is_empty()))
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn has_screen() -> bool {
    true
}
