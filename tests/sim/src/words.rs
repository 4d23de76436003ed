//! What a run is told about by name: the kinds of trouble, the promises, the faults planted to prove
//! that breaking a promise is noticed. One stable word for each, the same in reports, options and
//! documentation.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident: $($(#[$item:meta])* $variant:ident $word:literal,)*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$item])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> Result<Self, String> {
                let found = Self::ALL.iter().copied().find(|known| known.as_str() == word);
                let all = || Self::ALL.iter().map(|known| known.as_str()).collect::<Vec<_>>().join(", ");
                found.ok_or_else(|| format!("unknown word {word}; there are: {}", all()))
            }
        }
    };
}

words! {
    /// A kind of trouble that a world can make.
    Fault:
    /// A request never arrives.
    DropRequest "drop-request",
    /// A request is carried out, and its answer never arrives.
    DropReply "drop-reply",
    /// The client gives up on a request that is carried out later.
    LateRequest "late-request",
    /// A request is carried out twice.
    DuplicateRequest "duplicate-request",
    /// A younger message overtakes an older one.
    Reorder "reorder",
    /// A live announcement is lost.
    DropNotice "drop-notice",
    /// A live announcement comes twice.
    DuplicateNotice "duplicate-notice",
    /// A live announcement promises more than there is.
    FalseNotice "false-notice",
    /// The live connection breaks.
    LoseLive "lose-live",
    /// A teammate is offline for a while.
    Partition "partition",
    /// A session expires; nothing works until somebody signs in again.
    ExpireSession "expire-session",
    /// A teammate becomes a viewer.
    TakeRole "take-role",
    /// A teammate is no member any more.
    TakeMembership "take-membership",
    /// The server refuses a content for good.
    Refuse "refuse",
    /// The server refuses batches above a size.
    TooMuch "too-much",
    /// The server is busy.
    Busy "busy",
    /// The server leaves a change of a push undecided.
    Defer "defer",
    /// A process is killed between two things it does.
    Crash "crash",
    /// A process is killed between two writes of one thing it does.
    CrashInside "crash-inside",
    /// A kill leaves a half-written temporary file behind.
    HalfFile "half-file",
    /// The machine comes back without the cache's last commits.
    RollBackCache "roll-back-cache",
    /// The cache's database is gone.
    LoseCache "lose-cache",
    /// The disk is full where the cache is.
    CacheFull "cache-full",
    /// The disk is full where the files are.
    DiskFull "disk-full",
    /// A machine's clock is not right.
    SkewClock "skew-clock",
    /// A machine's clock jumps, forward or back.
    JumpClock "jump-clock",
    /// A formatter rewrites a file.
    Formatter "formatter",
    /// Older contents of a file are checked out.
    Checkout "checkout",
    /// An agent writes several files at once.
    AgentWrites "agent-writes",
    /// A file is edited by a program that no editor knows of.
    OutsideEdit "outside-edit",
    /// One document is open in two editors.
    TwoEditors "two-editors",
    /// The loop of a process is late with what its editor said.
    LateLoop "late-loop",
    /// A file moves.
    Rename "rename",
    /// A file is deleted.
    Delete "delete",
    /// A deleted artifact is created again.
    Recreate "recreate",
    /// Many files vanish at once.
    MassDeletion "mass-deletion",
}

words! {
    /// A promise that is checked.
    Promise:
    /// Afterwards every workspace holds what the server has, but for what is parked with a reason.
    Convergence "convergence",
    /// Every content that was saved or pushed can be found again.
    NoLoss "no-loss",
    /// Nobody has to choose where one side is unchanged.
    NoFalseConflict "no-false-conflict",
    /// Every change is pushed, or parked with a reason.
    NoStuckQueue "no-stuck-queue",
    /// One row of the server's history per change.
    ExactlyOnce "exactly-once",
    /// Nobody replaces a teammate's text that was never before them.
    NoBlindOverwrite "no-blind-overwrite",
    /// The program does not write under what an editor has unsaved.
    NoWriteOverUnsaved "no-write-over-unsaved",
    /// The program does not replace a file's content that it has not kept.
    NoWriteOverUnsynced "no-write-over-unsynced",
    /// A file holds one whole text, never a part or a mixture of two.
    NoTornFile "no-torn-file",
    /// What a process knows of an artifact follows from the cache alone, and always gives a next step.
    StatusDerivable "status-derivable",
    /// Many deletions at once wait for a person.
    Brake "brake",
    /// Nothing panics, overflows or runs without end.
    NoPanic "no-panic",
}

words! {
    /// A fault planted into the world to prove that its promise is watched.
    Planted:
    /// The server takes every push, whatever it was made out of.
    BlindUpsert "blind-upsert",
    /// A pull asks for what is newer than a moment, not than a place in the order.
    CursorByTime "cursor-by-time",
    /// The cache says that a commit is durable before it is.
    ActBeforePersist "act-before-persist",
    /// Each attempt of a push has a change id of its own.
    NewIdPerAttempt "new-id-per-attempt",
    /// The server carries out a repeated push again.
    AppliedTwice "applied-twice",
    /// An offered choice is taken although the text has gone on since.
    AcceptStale "accept-stale",
    /// The program does not hear what editors have open.
    OverwriteUnsaved "overwrite-unsaved",
    /// A closed file is replaced whatever it holds.
    ReplaceUnguarded "replace-unguarded",
    /// A file is not replaced in one step.
    TornWrite "torn-write",
    /// A refused change is forgotten instead of parked.
    DropParked "drop-parked",
    /// The server keeps the newest revision only.
    DropRevision "drop-revision",
    /// The cache forgets what its texts were for.
    DropOperation "drop-operation",
    /// The cache forgets the last agreed content.
    ForgetBase "forget-base",
    /// The cache forgets the remote's side of an artifact.
    ForgetRemote "forget-remote",
    /// A live announcement is taken for the news itself.
    BelieveHints "believe-hints",
    /// Nobody notices that an answer does not come.
    WaitForEver "wait-for-ever",
    /// A change is put off again and again.
    DeferForEver "defer-for-ever",
    /// Every deletion goes through unasked.
    NoBrake "no-brake",
    /// A number overflows.
    Overflow "overflow",
}

impl Planted {
    /// The promise that it breaks.
    pub fn breaks(self) -> &'static [Promise] {
        match self {
            Self::BlindUpsert => &[Promise::NoBlindOverwrite],
            Self::CursorByTime | Self::BelieveHints | Self::DropParked => &[Promise::Convergence],
            Self::ForgetRemote => &[Promise::StatusDerivable],
            Self::ActBeforePersist => {
                &[Promise::StatusDerivable, Promise::NoStuckQueue, Promise::NoWriteOverUnsynced]
            }
            Self::NewIdPerAttempt | Self::ForgetBase => &[Promise::NoFalseConflict],
            Self::AppliedTwice => &[Promise::ExactlyOnce],
            Self::AcceptStale | Self::OverwriteUnsaved => &[Promise::NoWriteOverUnsaved],
            Self::ReplaceUnguarded => &[Promise::NoWriteOverUnsynced],
            Self::TornWrite => &[Promise::NoTornFile],
            Self::DropRevision | Self::DropOperation => &[Promise::NoLoss],
            Self::WaitForEver | Self::DeferForEver => &[Promise::NoStuckQueue],
            Self::NoBrake => &[Promise::Brake],
            Self::Overflow => &[Promise::NoPanic],
        }
    }
}
