//! The one comparison everything follows from. Nothing else in the program decides whether an
//! artifact changed, and no flag remembers it.

/// How base, local and remote relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// All three are equal.
    InSync,
    /// Only local changed: it is to be pushed.
    Ahead,
    /// Only the remote changed: it is to be taken.
    Behind,
    /// Both changed, and to the same: only the base has to follow.
    Converged,
    /// Both changed, differently: they merge, or conflict.
    Diverged,
}

impl Status {
    /// Every status, for tables and coverage.
    pub const ALL: [Self; 5] = [Self::InSync, Self::Ahead, Self::Behind, Self::Converged, Self::Diverged];

    /// The status as one lower-case word, the same in the command line, JSON and documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InSync => "in-sync",
            Self::Ahead => "ahead",
            Self::Behind => "behind",
            Self::Converged => "converged",
            Self::Diverged => "diverged",
        }
    }
}

/// Compares the last agreed side with the other two. `None` is an absent side: not created yet, or
/// deleted; two absent sides are equal like any other two.
pub fn status<T: PartialEq>(base: Option<T>, local: Option<T>, remote: Option<T>) -> Status {
    match (local == remote, base == local, base == remote) {
        (true, true, _) => Status::InSync,
        (true, false, _) => Status::Converged,
        (false, false, true) => Status::Ahead,
        (false, true, false) => Status::Behind,
        (false, false, false) => Status::Diverged,
        // Equality is transitive: base cannot equal two sides that differ.
        (false, true, true) => Status::Diverged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_of_present_absent_and_equal_sides() {
        let (a, b, c) = (Some('a'), Some('b'), Some('c'));
        let table = [
            (None, None, None, Status::InSync),
            (a, a, a, Status::InSync),
            (None, a, None, Status::Ahead),
            (a, b, a, Status::Ahead),
            (a, None, a, Status::Ahead),
            (None, None, a, Status::Behind),
            (a, a, b, Status::Behind),
            (a, a, None, Status::Behind),
            (None, a, a, Status::Converged),
            (a, b, b, Status::Converged),
            (a, None, None, Status::Converged),
            (None, a, b, Status::Diverged),
            (a, b, c, Status::Diverged),
            (a, None, b, Status::Diverged),
            (a, b, None, Status::Diverged),
        ];
        for (base, local, remote, expected) in table {
            assert_eq!(status(base, local, remote), expected, "{base:?} {local:?} {remote:?}");
        }
    }

    #[test]
    fn one_unchanged_side_is_never_diverged() {
        let sides = [None, Some(1), Some(2), Some(3)];
        for base in sides {
            for other in sides {
                assert_ne!(status(base, base, other), Status::Diverged);
                assert_ne!(status(base, other, base), Status::Diverged);
            }
        }
    }
}
