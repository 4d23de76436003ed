//! What happens next with an artifact, and with the team's shared copy of them.
//!
//! [`status`](status::status) compares three sides, [`Entry`] is what is remembered of one
//! artifact, [`next`](next::next) derives the one next step from it, and [`Machine`] turns events
//! into writes and effects. No I/O: [`crate::ports`] names what the engine must supply.

mod answers;
mod deletions;
mod draft;
mod entry;
mod erased;
pub mod event;
mod handle;
pub mod history;
pub mod link;
mod machine;
pub mod next;
pub mod older;
mod plan;
pub mod resolve;
pub mod retention;
mod reversions;
mod rollback;
mod screen;
pub mod status;
pub mod undo;

pub use deletions::{DELETION_LIMIT, MASS_DELETION, MASS_DELETION_THERE};
pub use entry::{Entry, FileStat, Parked, PendingChange, RemoteSide};
pub use event::{BroughtBack, Event, FileDone, FileEffect, Found, Request, ResolvedBase, Step};
pub use machine::{Chance, Machine, Policy, Traffic};
pub use reversions::{MASS_REVERSION, REVERSION_LIMIT};
pub use rollback::SERVER_WENT_BACK;
