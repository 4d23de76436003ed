//! The table of states and transitions of each kind, and the questions asked of it.

use std::collections::BTreeMap;

use crate::artifact::parse::canonical_state;
use crate::id::Kind;

/// What somebody may do in a team. Each may also do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads.
    Viewer,
    /// Changes artifacts.
    Editor,
    /// Approves them, too.
    Approver,
    /// Decides about the team.
    Admin,
}

impl Role {
    /// The role by the remote's word; `None` for one this program does not know.
    pub fn named(word: &str) -> Option<Self> {
        [Self::Viewer, Self::Editor, Self::Approver, Self::Admin]
            .into_iter()
            .find(|role| role.as_str() == word)
    }

    /// The remote's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }
}

/// One allowed change of state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// From which state; `None`: the artifact is new.
    pub from: Option<String>,
    /// To which.
    pub to: String,
    /// Who may, at least.
    pub role: Role,
}

/// What a change of state amounts to for those who look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// To an approved state from one that is not.
    Approve,
    /// To a state that is listed before the present one.
    SendBack,
    /// Any other.
    Move,
}

/// A state that may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move<'t> {
    /// Its name.
    pub to: &'t str,
    /// What it amounts to.
    pub step: Step,
}

/// The states of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    states: Vec<String>,
    approved: Vec<String>,
    transitions: Vec<Transition>,
}

impl Table {
    /// A table. Its names are taken in upper case with `_` for spaces, as states are compared.
    pub fn new(states: Vec<String>, approved: Vec<String>, transitions: Vec<Transition>) -> Self {
        let name = |name: &str| name.trim().to_uppercase().replace([' ', '-'], "_");
        let names = |all: Vec<String>| all.iter().map(|one| name(one)).collect();
        let transitions = transitions.into_iter().map(|t| Transition {
            from: t.from.as_deref().map(name),
            to: name(&t.to),
            role: t.role,
        });
        Self { states: names(states), approved: names(approved), transitions: transitions.collect() }
    }

    /// Every state, in the order of its life.
    pub fn states(&self) -> &[String] {
        &self.states
    }

    /// The state that a value as written names, whatever its case and whatever follows its name:
    /// `COMMITTED` of `Committed (pending review)`. `None` when the table has no such state.
    pub fn known(&self, value: &str) -> Option<&str> {
        let name = canonical_state(value);
        self.states.iter().map(String::as_str).find(|state| *state == name)
    }

    /// Whether content is frozen in the state that this value names.
    pub fn is_approved(&self, value: &str) -> bool {
        let name = canonical_state(value);
        self.approved.contains(&name)
    }

    /// The states that may follow `from` for somebody of this role, in the order of the table; the
    /// state itself is none of them. `None`: the artifact is new. A state that the table does
    /// not have counts as none.
    pub fn may_follow(&self, from: Option<&str>, role: Role) -> Vec<Move<'_>> {
        let from = from.map(canonical_state).filter(|name| self.states.contains(name));
        let leads = |transition: &&Transition| role >= transition.role && transition.from == from;
        let mut targets: Vec<&str> =
            self.transitions.iter().filter(leads).map(|transition| transition.to.as_str()).collect();
        targets.sort_by_key(|name| self.place(name));
        targets.dedup();
        targets.into_iter().map(|to| Move { to, step: self.step(from.as_deref(), to) }).collect()
    }

    /// Names of the table that a value which is none of them may mean, the likeliest first, at most
    /// three; all states when none is like it.
    pub fn resembling(&self, value: &str) -> Vec<&str> {
        let wanted = canonical_state(value);
        let likeness = |state: &str| {
            let shared = similar::TextDiff::from_chars(wanted.as_str(), state).ratio();
            if !wanted.is_empty() && (state.starts_with(&wanted) || wanted.starts_with(state)) {
                shared.max(0.9)
            } else {
                shared
            }
        };
        let mut rated: Vec<(f32, &str)> =
            self.states.iter().map(|state| (likeness(state), state.as_str())).collect();
        rated.sort_by(|a, b| b.0.total_cmp(&a.0));
        let like: Vec<&str> =
            rated.iter().filter(|(ratio, _)| *ratio >= 0.6).map(|(_, state)| *state).take(3).collect();
        if like.is_empty() { self.states.iter().map(String::as_str).collect() } else { like }
    }

    fn place(&self, name: &str) -> usize {
        self.states.iter().position(|state| state == name).unwrap_or(usize::MAX)
    }

    fn step(&self, from: Option<&str>, to: &str) -> Step {
        let was_approved = from.is_some_and(|from| self.is_approved(from));
        match from {
            _ if self.is_approved(to) && !was_approved => Step::Approve,
            Some(from) if self.place(to) < self.place(from) => Step::SendBack,
            _ => Step::Move,
        }
    }
}

/// The tables of a team.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lifecycle {
    /// Rises with each change of a table.
    pub version: u64,
    kinds: BTreeMap<Kind, Table>,
}

impl Lifecycle {
    /// The tables of these kinds.
    pub fn new(version: u64, kinds: BTreeMap<Kind, Table>) -> Self {
        Self { version, kinds }
    }

    /// The table of a kind; `None` when the team has none for it, and every state may follow every
    /// other.
    pub fn of(&self, kind: &Kind) -> Option<&Table> {
        self.kinds.get(kind).filter(|table| !table.states.is_empty())
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
