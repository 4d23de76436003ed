//! How this run of the program talks: what `--quiet`, `--verbose`, `--color` and `--no-pager` said. Set
//! once, before a command starts; read where text is made.

use std::sync::OnceLock;

use crate::args::{Color, Global};

/// How to talk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// Only what is left to do.
    pub(crate) quiet: bool,
    /// How much more than usual.
    pub(crate) verbose: u8,
    /// When to colour.
    pub(crate) color: Color,
    /// Whether long output may go through a pager.
    pub(crate) pager: bool,
}

static MANNER: OnceLock<Manner> = OnceLock::new();

/// Takes what the arguments say.
pub(crate) fn set(args: &Global) {
    let Global { quiet, verbose, color, .. } = *args;
    let _ = MANNER.set(Manner { quiet, verbose, color, pager: !args.no_pager });
}

/// How this run talks; the usual way before anything was said.
pub(crate) fn get() -> Manner {
    let usual = Manner { quiet: false, verbose: 0, color: Color::Auto, pager: true };
    MANNER.get().copied().unwrap_or(usual)
}
