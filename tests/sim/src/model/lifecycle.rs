//! The states of a team's artifacts: which there are, which may follow, who may move to them, and who
//! approved what. The state is read from the text by the client's own rules, which the server shares.

use std::collections::BTreeMap;

use agent_core::artifact::parse::{Format, canonical_state, parse};
use agent_core::id::{ArtifactPath, Kind, Text, Timestamp, Version};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::push::{Detail, Reason};
use super::team::Role;
use super::{ModelRemote, Refusal, Revision, Team};

/// Each from where to where, and who may.
type Moves = &'static [(&'static str, Role)];

/// What holds for teams that have not decided otherwise: the kinds, their states, the approved one, and
/// the moves as `from > to to …`, with nothing before `>` for a new artifact.
const DEFAULTS: [(&str, &str, &str, Moves); 4] = [
    (
        "story",
        "DRAFT OPEN COMMITTED APPROVED DONE ICEBOX",
        "APPROVED",
        &[
            (">DRAFT OPEN COMMITTED DONE ICEBOX", Role::Editor),
            (">APPROVED", Role::Approver),
            ("DRAFT>OPEN ICEBOX", Role::Editor),
            ("OPEN>COMMITTED DRAFT ICEBOX", Role::Editor),
            ("COMMITTED>OPEN DRAFT DONE ICEBOX", Role::Editor),
            ("COMMITTED>APPROVED", Role::Approver),
            ("APPROVED>COMMITTED OPEN DRAFT DONE", Role::Approver),
            ("DONE>OPEN", Role::Editor),
            ("ICEBOX>DRAFT OPEN", Role::Editor),
        ],
    ),
    (
        "plan",
        "DRAFT PROPOSED APPROVED SUPERSEDED",
        "APPROVED",
        &[
            (">DRAFT PROPOSED SUPERSEDED", Role::Editor),
            (">APPROVED", Role::Approver),
            ("DRAFT>PROPOSED", Role::Editor),
            ("PROPOSED>DRAFT", Role::Editor),
            ("PROPOSED>APPROVED", Role::Approver),
            ("APPROVED>PROPOSED DRAFT SUPERSEDED", Role::Approver),
        ],
    ),
    (
        "runbook adr",
        "DRAFT PROPOSED ACCEPTED SUPERSEDED",
        "ACCEPTED",
        &[
            (">DRAFT PROPOSED SUPERSEDED", Role::Editor),
            (">ACCEPTED", Role::Approver),
            ("DRAFT>PROPOSED", Role::Editor),
            ("PROPOSED>DRAFT", Role::Editor),
            ("PROPOSED>ACCEPTED", Role::Approver),
            ("ACCEPTED>PROPOSED DRAFT SUPERSEDED", Role::Approver),
        ],
    ),
    (
        "journey",
        "DRAFT COMMITTED APPROVED DONE ICEBOX",
        "APPROVED",
        &[
            (">DRAFT COMMITTED DONE ICEBOX", Role::Editor),
            (">APPROVED", Role::Approver),
            ("DRAFT>COMMITTED ICEBOX", Role::Editor),
            ("COMMITTED>DRAFT DONE ICEBOX", Role::Editor),
            ("COMMITTED>APPROVED", Role::Approver),
            ("APPROVED>COMMITTED DRAFT DONE", Role::Approver),
            ("DONE>COMMITTED", Role::Editor),
            ("ICEBOX>DRAFT", Role::Editor),
        ],
    ),
];

/// Whose content was approved, as what, by whom and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The revision that was approved.
    pub revision: Revision,
    /// When.
    pub at: Timestamp,
}

/// The lifecycle of a kind.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    states: Vec<String>,
    approved: Vec<String>,
    moves: BTreeMap<(Option<String>, String), Role>,
}

impl Rules {
    /// Reads a definition that is valid.
    fn of(definition: &Value) -> Self {
        let words = |name: &str| {
            let items = definition[name].as_array().into_iter().flatten();
            items.filter_map(|item| item.as_str().map(str::to_owned)).collect::<Vec<_>>()
        };
        let one = |transition: &Value| {
            let text = |name: &str| transition[name].as_str();
            let to = text("to")?.to_owned();
            Some(((text("from").map(str::to_owned), to), Role::named(text("role")).ok()?))
        };
        let transitions = definition["transitions"].as_array().into_iter().flatten();
        let moves = transitions.filter_map(one).collect();
        Self { states: words("states"), approved: words("approved"), moves }
    }

    fn knows(&self, state: &str) -> bool {
        self.states.iter().any(|known| known == state)
    }

    fn is_approved(&self, state: &str) -> bool {
        self.approved.iter().any(|approved| approved == state)
    }

    /// Who may move; a state that is not known counts as none.
    fn needed(&self, from: Option<&str>, to: &str) -> Option<Role> {
        let from = from.filter(|from| self.knows(from)).map(str::to_owned);
        self.moves.get(&(from, to.to_owned())).copied()
    }

    /// Why an artifact may not go from one state to another.
    fn refusal(
        &self,
        role: Role,
        from: Option<&str>,
        to: Option<&str>,
        is_same: bool,
    ) -> Option<&'static str> {
        let Some(to) = to.filter(|to| self.knows(to)) else {
            // Whoever takes an approval away has to be somebody who may do so by a move.
            let from = from.filter(|from| self.is_approved(from))?;
            let leave = self.moves.iter().filter(|((start, _), _)| start.as_deref() == Some(from));
            let needed = leave.map(|(_, role)| *role).min().unwrap_or(Role::Admin);
            return (role < needed).then_some("state_role");
        };
        if from == Some(to) {
            return (self.is_approved(to) && !is_same).then_some("approved");
        }
        match self.needed(from, to) {
            None => Some("state"),
            Some(needed) => (role < needed).then_some("state_role"),
        }
    }

    fn may_follow(&self, role: Role, from: Option<&str>) -> Vec<String> {
        let may = |to: &&String| self.needed(from, to).is_some_and(|needed| role >= needed);
        self.states.iter().filter(may).cloned().collect()
    }
}

/// The state that a text says, as the server keeps it.
pub(super) fn state_of(content: Option<&Text>, path: &ArtifactPath) -> Option<String> {
    let outline = parse(content?.as_str(), Format::of_file(path.as_str()));
    let state = canonical_state(&outline.state?.text);
    Some(state.chars().take(200).collect()).filter(|state: &String| !state.is_empty())
}

impl Team {
    fn definitions(&self) -> Map<String, Value> {
        let mut definitions = defaults();
        definitions.extend(self.lifecycles.clone());
        definitions
    }

    /// The rules of a kind, if it has any.
    pub(super) fn rules(&self, kind: &Kind) -> Option<Rules> {
        self.definitions().get(kind.as_str()).map(Rules::of)
    }

    /// Why the lifecycle does not let a role move the newest revision (`None`: there is none) to this
    /// state and content.
    pub(super) fn state_refusal(
        &self,
        kind: &Kind,
        role: Role,
        current: Option<&Revision>,
        state: Option<&str>,
        content: Option<&Text>,
    ) -> Option<Reason> {
        let rules = self.rules(kind)?;
        let from = current.and_then(|current| current.state.as_deref());
        let is_same = current.is_some_and(|current| current.content.as_ref() == content);
        let code = rules.refusal(role, from, state, is_same)?;
        let (to_text, role_text) = (state.unwrap_or("no state"), role.as_str());
        let message = match code {
            "approved" => format!(
                "{to_text} content does not change: move it to another state in the same change, or restore it"
            ),
            "state" => format!("{to_text} may not follow {}", from.unwrap_or("nothing")),
            _ => format!("an {role_text} may not move {} to {to_text}", from.unwrap_or("a new artifact")),
        };
        let detail = Detail {
            from: from.map(str::to_owned),
            to: state.map(str::to_owned),
            role,
            may_follow: rules.may_follow(role, from),
        };
        Some(Reason { code, message: message.into(), detail: Some(detail) })
    }

    /// Keeps who approved, when a revision that was just accepted is an approval.
    pub(super) fn note_approval(&mut self, before: Option<&str>, revision: &Revision) {
        let rules = self.rules(&revision.key.kind);
        let state = revision.state.as_deref().filter(|&state| before != Some(state));
        if rules.zip(state).is_some_and(|(rules, state)| rules.is_approved(state)) {
            self.approvals.push(Approval { revision: revision.clone(), at: revision.at });
        }
    }

    fn lifecycle_json(&self) -> Value {
        json!({ "version": self.lifecycle_changes + 1, "kinds": self.definitions() })
    }
}

fn defaults() -> Map<String, Value> {
    let mut kinds = Map::new();
    for (names, states, approved, moves) in DEFAULTS {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let one = |(path, role): &(&str, Role)| {
            let (from, to) = path.split_once('>').unwrap_or_default();
            let from = Some(from).filter(|from| !from.is_empty());
            let role = role.as_str();
            words(to)
                .into_iter()
                .map(move |to| json!({ "from": from, "to": to, "role": role }))
                .collect::<Vec<_>>()
        };
        let transitions: Vec<_> = moves.iter().flat_map(one).collect();
        let definition =
            json!({ "states": words(states), "approved": [approved], "transitions": transitions });
        kinds.extend(words(names).into_iter().map(|name| (name, definition.clone())));
    }
    kinds
}

impl ModelRemote {
    /// The lifecycles of a team: `{"version", "kinds"}`.
    ///
    /// # Errors
    /// When they are no member.
    pub fn team_lifecycle(&self, me: Option<Uuid>, team: Uuid) -> Result<Value, Refusal> {
        self.require_role(me, team)?;
        Ok(self.team(team)?.lifecycle_json())
    }

    /// Sets the lifecycle of a kind, or with null goes back to the default one.
    ///
    /// # Errors
    /// When they are no admin, or it is none.
    pub fn set_lifecycle(
        &mut self,
        me: Option<Uuid>,
        team: Uuid,
        kind: Option<&str>,
        states: &Value,
    ) -> Result<Value, Refusal> {
        if self.require_role(me, team)?.1 != Role::Admin {
            return Err(Refusal::new("42501", "only an admin of the team can change its lifecycles"));
        }
        let kind = kind.filter(|kind| Kind::new(kind).is_ok());
        let kind = kind.ok_or_else(|| Refusal::new("22023", "kind must match ^[a-z][a-z0-9_-]{0,31}$"))?;
        if let Some(problem) = Some(states).filter(|states| !states.is_null()).and_then(problem_with) {
            return Err(Refusal::new("22023", problem));
        }
        let team = self.team_mut(team)?;
        team.lifecycles.remove(kind);
        if states.is_object() {
            team.lifecycles.insert(kind.to_owned(), states.clone());
        }
        team.lifecycle_changes += 1;
        Ok(team.lifecycle_json())
    }

    /// Who approved an artifact's contents, newest first: `{"approvals"}`.
    ///
    /// # Errors
    /// When they are no member.
    pub fn artifact_approvals(
        &self,
        me: Option<Uuid>,
        team: Uuid,
        kind: Option<&str>,
        id: Option<&str>,
    ) -> Result<Value, Refusal> {
        self.require_role(me, team)?;
        let team = self.team(team)?;
        let of_artifact: Vec<_> = team
            .approvals
            .iter()
            .rev()
            .map(|approval| &approval.revision)
            .filter(|revision| {
                Some(revision.key.kind.as_str()) == kind && Some(revision.key.id.as_str()) == id
            })
            .collect();
        let one = |(n, revision): (usize, &&Revision)| {
            let current = team.current(&revision.key);
            let holds =
                |current: &Revision| current.content == revision.content && current.state == revision.state;
            json!({
                "version": revision.version.0, "content_hash": revision.content_hash(), "state": revision.state,
                "approved_by": revision.author.to_string(), "approver_name": team.member_name(revision.author),
                "approved_at": revision.at.0, "is_in_force": n == 0 && current.is_some_and(holds),
            })
        };
        Ok(json!({ "approvals": of_artifact.iter().enumerate().map(one).collect::<Vec<_>>() }))
    }

    /// The versions of an artifact that were approved, oldest first.
    pub fn approved_versions(&self, team: Uuid, key: &agent_core::id::ArtifactKey) -> Vec<Version> {
        let approvals = self.teams.get(&team).into_iter().flat_map(|team| &team.approvals);
        approvals
            .filter(|approval| approval.revision.key == *key)
            .map(|approval| approval.revision.version)
            .collect()
    }
}

/// What is wrong with a definition.
fn problem_with(definition: &Value) -> Option<&'static str> {
    let lists = ["states", "approved", "transitions"];
    let [Some(states), Some(approved), Some(moves)] =
        lists.map(|name| definition.get(name).and_then(Value::as_array))
    else {
        return Some("a lifecycle has three lists: states, approved, transitions");
    };
    if definition.as_object().is_none_or(|fields| fields.len() != lists.len()) {
        return Some("a lifecycle has three lists: states, approved, transitions");
    }
    if !(1..=50).contains(&states.len()) || moves.len() > 1000 {
        return Some("a lifecycle has 1 to 50 states and at most 1000 transitions");
    }
    let is_name = |state: &Value| state.as_str().is_some_and(is_state_name);
    if !states.iter().all(is_name) {
        return Some("a state is written in capital letters, its words joined by \"_\"");
    }
    if has_repetition(states) {
        return Some("a state is there twice");
    }
    if !approved.iter().all(|state| states.contains(state)) {
        return Some("an approved state is not among the states");
    }
    let is_move = |one: &Value| {
        let fields = one.as_object();
        let (from, to) = (one.get("from"), &one["to"]);
        let role = Role::named(one["role"].as_str()).ok().filter(|role| *role != Role::Viewer);
        fields.is_some_and(|fields| fields.len() == 3)
            && states.contains(to)
            && from.is_some_and(|from| from.is_null() || (states.contains(from) && from != to))
            && role.is_some()
    };
    if !moves.iter().all(is_move) {
        return Some(
            "a transition goes from a state (or null) to another one, for an editor, approver or admin",
        );
    }
    let ends: Vec<_> = moves.iter().map(|one| json!([one["from"], one["to"]])).collect();
    if has_repetition(&ends) {
        return Some("a transition is there twice");
    }
    let touches = |one: &Value| approved.contains(&one["to"]) || approved.contains(&one["from"]);
    if moves.iter().any(|one| one["role"] == "editor" && touches(one)) {
        return Some("only an approver or an admin moves an artifact to an approved state, or out of one");
    }
    None
}

fn is_state_name(state: &str) -> bool {
    let is_capital = |c: char| c.is_ascii_uppercase() || c == '_';
    (1..=50).contains(&state.len())
        && state.starts_with(|c: char| c.is_ascii_uppercase())
        && state.chars().all(is_capital)
        && canonical_state(state) == state
}

fn has_repetition(values: &[Value]) -> bool {
    values.iter().enumerate().any(|(n, value)| values[..n].contains(value))
}
