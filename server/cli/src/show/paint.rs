//! Colours, on a terminal that wants them.

use std::io::IsTerminal;

use crate::args::Color;
use crate::manner;

/// Whether to colour.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint(bool);

impl Paint {
    /// Colours for standard output: as `--color` says, else only on a terminal that can, and not with
    /// `NO_COLOR` (no-color.org).
    pub(crate) fn stdout() -> Self {
        let env = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        Self(match manner::get().color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                env("NO_COLOR").is_none()
                    && env("TERM").is_none_or(|name| name != "dumb")
                    && std::io::stdout().is_terminal()
            }
        })
    }

    /// No colours.
    pub(crate) fn none() -> Self {
        Self(false)
    }

    fn with(self, code: &str, text: &str) -> String {
        match self.0 && !text.is_empty() {
            true => format!("\x1b[{code}m{text}\x1b[m"),
            false => text.to_owned(),
        }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.with("31", text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.with("32", text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.with("33", text)
    }

    pub(crate) fn cyan(self, text: &str) -> String {
        self.with("36", text)
    }

    /// Yellow that is set off, also for eyes that see no colour.
    pub(crate) fn yellow_strong(self, text: &str) -> String {
        self.with("1;4;33", text)
    }

    /// Cyan that is set off.
    pub(crate) fn cyan_strong(self, text: &str) -> String {
        self.with("1;4;36", text)
    }
}
