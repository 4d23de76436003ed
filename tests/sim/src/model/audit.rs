//! The audit log: what becomes of each call and of each pushed change, as an entry that nobody changes, but for
//! the name of somebody who is erased. An entry is told from the call and its answer, so that no function can
//! forget it; those of pushes come from where changes are decided. Sessions and clients are not in it: nobody
//! who only calls functions has any.

use agent_core::id::{Timestamp, Version};
use serde_json::{Value, json};
use uuid::Uuid;

use super::push::Outcome;
use super::{Context, ModelRemote, Refusal, Revision, Role, Team};

/// Longer words of clients are cut.
const MAX_WORD: usize = 200;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    number: u64,
    at: Timestamp,
    user: Option<Uuid>,
    action: &'static str,
    outcome: &'static str,
    reason: Option<String>,
    about: About,
    versions: [Option<Version>; 2],
    states: [Option<String>; 2],
    bytes: [Option<u64>; 2],
}

/// What something was done to: an artifact, or a member, an invitation or a lifecycle.
type About = (Option<String>, Option<String>);

/// What an entry tells that the call may change.
pub(super) struct Before {
    team: Uuid,
    /// The role of who calls; strangers leave no trace.
    mine: Option<Role>,
    /// The role of the member it is about.
    was: Option<Role>,
}

/// What a pushed change met: the newest row of the artifact it names.
pub(super) struct Met {
    version: Option<Version>,
    state: Option<String>,
    bytes: Option<u64>,
}

impl Met {
    pub(super) fn of(current: Option<&Revision>) -> Self {
        let content = current.and_then(|current| current.content.as_ref());
        Self {
            version: current.map(|current| current.version),
            state: current.and_then(|current| current.state.clone()),
            bytes: content.map(|text| text.as_str().len() as u64),
        }
    }
}

/// A change that was decided, with what is told of it.
pub(super) struct Decided<'a> {
    pub(super) by: Uuid,
    pub(super) at: Timestamp,
    pub(super) kind: Option<&'a str>,
    pub(super) id: Option<&'a str>,
    pub(super) met: Met,
    /// The state and the bytes it would give the artifact.
    pub(super) gives: (Option<String>, Option<u64>),
    pub(super) outcome: &'a Outcome,
}

impl Team {
    /// Retries, and what was put off, are nothing new.
    pub(super) fn note_change(&mut self, decided: Decided<'_>) {
        let Decided { by, at, kind, id, met, gives, outcome } = decided;
        let (word, reason, version) = match outcome {
            Outcome::Applied(version, _) => ("applied", None, Some(*version)),
            Outcome::Conflict(_) => ("conflict", None, None),
            Outcome::Rejected(reason) => ("rejected", Some(reason.code), None),
            Outcome::Duplicate(..) | Outcome::Deferred => return,
        };
        // The text of what fails for another reason is not even read.
        let is_read = word == "applied" || matches!(reason, Some("state" | "state_role" | "approved"));
        let (state, bytes) = if is_read { gives } else { (None, None) };
        self.audit.push(Entry {
            number: 0,
            at,
            user: Some(by),
            action: "push",
            outcome: word,
            reason: reason.map(str::to_owned),
            about: (kind.map(cut), id.map(cut)),
            versions: [met.version, version],
            states: [met.state, state],
            bytes: [met.bytes, bytes],
        });
    }

    /// A pseudonym takes somebody's place in the log.
    pub(super) fn rename_in_log(&mut self, member: Uuid, pseudonym: Uuid) {
        for entry in &mut self.audit {
            if entry.user == Some(member) {
                entry.user = Some(pseudonym);
            }
            if entry.about == about("member", member) {
                entry.about = about("member", pseudonym);
            }
        }
    }
}

impl ModelRemote {
    /// To be asked before the call.
    pub(super) fn before(&self, context: Context, function: &str, args: &Value) -> Before {
        let id = |name: &str| args[name].as_str().and_then(|text| Uuid::try_parse(text).ok());
        let invited = || self.invitations.get(&id("invitation")?).map(|offer| offer.team);
        let team = id("team").or_else(invited).unwrap_or_default();
        let mine = context.me.and_then(|me| self.role(me, team));
        let member = if function == "set_member_role" || function == "remove_team_member" {
            id("member")
        } else {
            context.me
        };
        Before { team, mine, was: member.and_then(|member| self.role(member, team)) }
    }

    /// Writes down what became of a call.
    pub(super) fn note(
        &mut self,
        context: Context,
        (function, args): (&str, &Value),
        before: &Before,
        answer: &Result<Value, Refusal>,
    ) {
        let entry = match answer {
            Ok(answer) => done(context, function, args, before, answer),
            Err(refusal) if before.mine.is_some() => refused(context, function, args, refusal),
            Err(_) => None,
        };
        let team = if function == "create_team" { context.new_id } else { before.team };
        if let (Some(entry), Some(team)) = (entry, self.teams.get_mut(&team)) {
            team.audit.push(entry);
        }
        self.number_entries();
    }

    /// The log counts over all teams.
    fn number_entries(&mut self) {
        let last = &mut self.entries;
        for team in self.teams.values_mut() {
            // The new ones are at the end.
            let new = team.audit.iter().rev().take_while(|entry| entry.number == 0).count();
            let from = team.audit.len() - new;
            for entry in &mut team.audit[from..] {
                *last += 1;
                entry.number = *last;
            }
        }
    }

    /// A page of the log, newest first: an admin's is the team's, everybody else's their own part.
    ///
    /// # Errors
    /// When one is no member, or asks for somebody else's without being an admin.
    pub fn audit_entries(
        &self,
        me: Option<Uuid>,
        team: Uuid,
        member: Option<Uuid>,
        max_rows: Option<i32>,
    ) -> Result<Value, Refusal> {
        let (me, role) = self.require_role(me, team)?;
        if role != Role::Admin && member.is_some_and(|member| member != me) {
            return Err(Refusal::new("42501", "only an admin of the team sees what others did"));
        }
        let whose = if role == Role::Admin { member } else { Some(me) };
        let limit = max_rows.unwrap_or(200).clamp(1, 1000).unsigned_abs() as usize;
        let team = self.team(team)?;
        let matching = team.audit.iter().rev().filter(|entry| whose.is_none() || entry.user == whose);
        let matching: Vec<_> = matching.take(limit + 1).collect();
        let shown = matching.iter().take(limit).map(|entry| {
            let mut shown = entry.to_json();
            shown["user_name"] = json!(entry.user.and_then(|user| team.member_name(user)));
            shown
        });
        Ok(json!({ "entries": shown.collect::<Vec<_>>(), "more": matching.len() > limit }))
    }

    /// A team's whole log, oldest first.
    pub fn audit_log(&self, team: Uuid) -> Value {
        let entries = self.teams.get(&team).into_iter().flat_map(|team| &team.audit);
        entries.map(Entry::to_json).collect()
    }
}

fn entry(context: Context, action: &'static str, outcome: &'static str, about: About) -> Entry {
    Entry {
        number: 0,
        at: context.now,
        user: context.me,
        action,
        outcome,
        reason: None,
        about,
        versions: [None, None],
        states: [None, None],
        bytes: [None, None],
    }
}

fn done(context: Context, function: &str, args: &Value, before: &Before, answer: &Value) -> Option<Entry> {
    let entry = |action, about| entry(context, action, "done", about);
    let with_states = |entry: Entry, from: Option<&str>, to: Option<&str>| {
        let states = [from, to].map(|state| state.map(str::to_owned));
        Some(Entry { states, ..entry })
    };
    let was = before.was.map(Role::as_str);
    let mine = context.me.unwrap_or_default();
    match function {
        "create_team" => with_states(entry("create_team", about("member", mine)), None, Some("admin")),
        "invite_member" => with_states(
            entry("invite", named("invitation", &answer["invitation"])),
            None,
            answer["role"].as_str(),
        ),
        "accept_invitation" => {
            with_states(entry("accept_invitation", about("member", mine)), was, answer["role"].as_str())
        }
        "decline_invitation" => Some(entry("decline_invitation", named("invitation", &args["invitation"]))),
        "revoke_invitation" if answer == true => {
            Some(entry("revoke_invitation", named("invitation", &args["invitation"])))
        }
        "set_member_role" => {
            with_states(entry("set_role", named("member", &args["member"])), was, answer["role"].as_str())
        }
        "remove_team_member" if answer == true => {
            with_states(entry("remove_member", named("member", &args["member"])), was, None)
        }
        "leave_team" if answer == true => {
            with_states(entry("remove_member", about("member", mine)), was, None)
        }
        "allocate_id" => Some(entry("allocate_id", words(&args["kind"], answer))),
        "set_lifecycle" => Some(entry("set_lifecycle", words(&json!("lifecycle"), &args["kind"]))),
        "erase_author" => {
            let done = entry("erase_author", named("author", &answer["pseudonym"]));
            // Who erases themselves is nobody else in this entry.
            let is_oneself = args["member"] == mine.to_string();
            let user = if is_oneself { Some(context.new_id) } else { context.me };
            Some(Entry { user, reason: args["texts"].as_str().map(str::to_owned), ..done })
        }
        _ => None,
    }
}

fn refused(context: Context, function: &str, args: &Value, refusal: &Refusal) -> Option<Entry> {
    let nothing = (None, None);
    let member = || match args["member"].as_str().and_then(|text| Uuid::try_parse(text).ok()) {
        Some(member) => about("member", member),
        None => (Some("member".to_owned()), None),
    };
    let (action, about) = match function {
        "invite_member" if refusal.code == "42501" => ("invite", (Some("invitation".to_owned()), None)),
        "invite_member" => ("invite", nothing),
        "revoke_invitation" => ("revoke_invitation", named("invitation", &args["invitation"])),
        "set_member_role" if refusal.code == "22023" => ("set_role", nothing),
        "set_member_role" => ("set_role", member()),
        "remove_team_member" => ("remove_member", member()),
        "leave_team" => ("remove_member", about("member", context.me.unwrap_or_default())),
        "allocate_id" => ("allocate_id", words(&args["kind"], &args["prefix"])),
        "set_lifecycle" => ("set_lifecycle", words(&json!("lifecycle"), &args["kind"])),
        "erase_author" if refusal.code == "22023" => ("erase_author", nothing),
        "erase_author" => ("erase_author", member()),
        // What is malformed as a whole is an error of the call, and what only reads is not recorded.
        _ => return None,
    };
    Some(Entry { reason: Some(refusal.code.to_owned()), ..entry(context, action, "refused", about) })
}

fn about(kind: &str, id: Uuid) -> About {
    (Some(kind.to_owned()), Some(id.to_string()))
}

/// By an id that is written as one.
fn named(kind: &str, id: &Value) -> About {
    (Some(kind.to_owned()), id.as_str().map(str::to_owned))
}

fn words(kind: &Value, id: &Value) -> About {
    (kind.as_str().map(cut), id.as_str().map(cut))
}

fn cut(word: &str) -> String {
    word.chars().take(MAX_WORD).collect()
}

impl Entry {
    fn to_json(&self) -> Value {
        let [from, to] = self.versions.map(|version| version.map(|version| version.0));
        let (kind, id) = &self.about;
        json!({
            "entry": self.number, "at": self.at.0, "user_id": self.user.map(|user| user.to_string()),
            "session": null, "client": null, "action": self.action, "outcome": self.outcome,
            "reason": self.reason, "kind": kind, "id": id, "from_version": from, "to_version": to,
            "state_before": self.states[0], "state_after": self.states[1], "bytes_before": self.bytes[0],
            "bytes_after": self.bytes[1],
        })
    }
}
