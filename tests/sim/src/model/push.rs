//! `push_artifacts`: a batch of compare-and-swaps in which every change stands alone.

use std::borrow::Cow;
use std::collections::HashMap;

use agent_core::id::{ArtifactKey, Seq, Timestamp, Version};
use uuid::Uuid;

use super::audit::{Decided, Met};
use super::change::{Submitted, WellFormed};
use super::team::Role;
use super::{ModelRemote, Notice, Refusal, Revision, Team};

/// The most changes of one push.
const MAX_CHANGES: usize = 1000;
/// Conflicts are answered with the newest row until so many bytes of them were shown.
const MAX_SHOWN: u64 = 4_000_000;
/// How many artifacts a broadcast names.
const MAX_NAMED: usize = 10;

/// The answer to a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// One for each change, in their order.
    pub answers: Vec<Answer>,
    /// The first seq this push could give.
    pub from_seq: Seq,
    /// The last one given.
    pub newest_seq: Seq,
}

/// The answer to one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What the change called itself.
    pub change_id: Option<String>,
    /// The kind it named.
    pub kind: Option<String>,
    /// The id it named.
    pub id: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is this version now.
    Applied(Version, Seq),
    /// It had been applied before, as this version.
    Duplicate(Version, Seq),
    /// The artifact has another version: this one, with its author's name, or none at all.
    Conflict(Option<Box<(Revision, Option<String>)>>),
    /// A conflict beyond those an answer shows: not decided.
    Deferred,
    /// Refused for good.
    Rejected(Reason),
}

/// Why a change was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// A stable word.
    pub code: &'static str,
    /// For people.
    pub message: Cow<'static, str>,
    /// What the lifecycle would have allowed, where that is why.
    pub detail: Option<Detail>,
}

/// A move of states that was refused, and what may be done instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// The state of the newest revision.
    pub from: Option<String>,
    /// The state that the change says.
    pub to: Option<String>,
    /// The role of who pushed.
    pub role: Role,
    /// The states they may move it to.
    pub may_follow: Vec<String>,
}

/// What is to be done with a change, judged against the artifacts as they are now.
enum Verdict {
    Apply,
    Duplicate(Version, Seq),
    Conflict,
    Reject(Reason),
}

fn reject(code: &'static str, message: &'static str) -> Verdict {
    Verdict::Reject(Reason { code, message: message.into(), detail: None })
}

impl ModelRemote {
    /// Pushes a batch in somebody's name.
    ///
    /// # Errors
    /// When they are no member, or the batch has too many changes.
    pub fn push(
        &mut self,
        me: Option<Uuid>,
        team: Uuid,
        changes: &[Submitted],
        now: Timestamp,
    ) -> Result<Pushed, Refusal> {
        let (me, role) = self.require_role(me, team)?;
        if changes.len() > MAX_CHANGES {
            let message = format!("at most {MAX_CHANGES} changes in one push, not {}", changes.len());
            return Err(Refusal::new("22023", message));
        }
        let team = self.team_mut(team)?;
        let mut push = Push { team, me, role, now, shown: 0, outcomes: vec![None; changes.len()] };
        let from_seq = push.team.newest_seq + 1;
        for (turn, round) in rounds(changes).iter().enumerate() {
            // The first round hears of every change id in the batch, a later one of its own alone.
            let heard = if turn == 0 { (0..changes.len()).collect() } else { round.clone() };
            push.round(changes, round, &heard);
        }
        let outcomes = std::mem::take(&mut push.outcomes);
        team.announce(from_seq);
        let answer = |(change, outcome): (&Submitted, Option<Outcome>)| Answer {
            change_id: change.change_id.clone(),
            kind: change.kind.clone(),
            id: change.id.clone(),
            outcome: outcome.expect("invariant: every change is in exactly one round"),
        };
        let answers = changes.iter().zip(outcomes).map(answer).collect();
        Ok(Pushed { answers, from_seq: Seq(from_seq), newest_seq: Seq(team.newest_seq) })
    }
}

/// The positions of the changes that are decided together: the first of every artifact with all
/// that are malformed, then the second of every artifact, and so on. Later ones are judged against
/// what the earlier ones left.
fn rounds(changes: &[Submitted]) -> Vec<Vec<usize>> {
    let mut turns: HashMap<&ArtifactKey, usize> = HashMap::new();
    let mut rounds: Vec<Vec<usize>> = Vec::new();
    for (position, change) in changes.iter().enumerate() {
        let turn = match &change.well_formed {
            Ok(change) => turns.entry(&change.key).and_modify(|turn| *turn += 1).or_insert(0),
            Err(_) => &mut 0,
        };
        while rounds.len() <= *turn {
            rounds.push(Vec::new());
        }
        rounds[*turn].push(position);
    }
    rounds
}

/// Which artifact each change id is first used for.
fn first_uses<'a>(changes: &'a [Submitted], heard: &[usize]) -> HashMap<Uuid, &'a ArtifactKey> {
    let mut first_uses = HashMap::new();
    for change in heard.iter().filter_map(|&position| changes[position].well_formed.as_ref().ok()) {
        first_uses.entry(change.change_id).or_insert(&change.key);
    }
    first_uses
}

/// A push under way.
struct Push<'a> {
    team: &'a mut Team,
    me: Uuid,
    role: Role,
    now: Timestamp,
    /// Bytes of newest rows in the answers so far.
    shown: u64,
    outcomes: Vec<Option<Outcome>>,
}

impl Push<'_> {
    /// Decides the changes at these positions, each for another artifact.
    fn round(&mut self, changes: &[Submitted], round: &[usize], heard: &[usize]) {
        let first_uses = first_uses(changes, heard);
        let met: Vec<_> = round.iter().map(|&position| self.met(&changes[position])).collect();
        for (&position, met) in round.iter().zip(met) {
            let change = &changes[position];
            let outcome = match &change.well_formed {
                Err(problem) => {
                    Outcome::Rejected(Reason { code: "invalid", message: (*problem).into(), detail: None })
                }
                Ok(change) => self.decide(change, first_uses[&change.change_id] != &change.key),
            };
            self.team.note_change(Decided {
                by: self.me,
                at: self.now,
                kind: change.kind.as_deref(),
                id: change.id.as_deref(),
                met,
                gives: change.well_formed.as_ref().map(WellFormed::gives).unwrap_or_default(),
                outcome: &outcome,
            });
            self.outcomes[position] = Some(outcome);
        }
    }

    /// What the artifact is before the round, whatever else is wrong with the change.
    fn met(&self, change: &Submitted) -> Met {
        let names = change.kind.as_deref().zip(change.id.as_deref());
        let key = names.and_then(|(kind, id)| ArtifactKey::new(kind, id).ok());
        Met::of(key.and_then(|key| self.team.current(&key)))
    }

    fn decide(&mut self, change: &WellFormed, is_reused: bool) -> Outcome {
        match self.judge(change, is_reused) {
            Verdict::Reject(reason) => Outcome::Rejected(reason),
            Verdict::Duplicate(version, seq) => Outcome::Duplicate(version, seq),
            Verdict::Apply => self.apply(change),
            Verdict::Conflict => self.show(&change.key),
        }
    }

    fn judge(&self, change: &WellFormed, is_reused: bool) -> Verdict {
        let known = self.team.by_change.get(&change.change_id).map(|&at| &self.team.history[at]);
        if is_reused || known.is_some_and(|known| known.key != change.key) {
            return reject("invalid", "change_id was already used for another artifact");
        }
        if let Some(known) = known {
            // Equal path and content, or it is another change that took this one's name.
            if known.path != change.path || known.content_hash() != change.claimed_hash {
                let message = "change_id was already used for a change with another path or content";
                return reject("invalid", message);
            }
            return Verdict::Duplicate(known.version, known.seq);
        }
        if self.role == Role::Viewer {
            return reject("forbidden", "viewers cannot change artifacts");
        }
        if change.is_too_large() {
            return reject("too_large", "the limit is 2 MiB of content and 8 KiB of title or state");
        }
        if !change.tells_its_hash() {
            let message =
                "content_hash must be the hex SHA-256 of the content's UTF-8 bytes, null for a deletion";
            return reject("hash_mismatch", message);
        }
        let current = self.team.current(&change.key);
        if current.map_or(Version(0), |current| current.version) != change.base_version {
            return Verdict::Conflict;
        }
        let (content, state) = (change.content.as_ref(), change.state_in_text());
        let refusal =
            self.team.state_refusal(&change.key.kind, self.role, current, state.as_deref(), content);
        refusal.map_or(Verdict::Apply, Verdict::Reject)
    }

    fn apply(&mut self, change: &WellFormed) -> Outcome {
        let current = self.team.current(&change.key);
        let version = Version(current.map_or(0, |current| current.version.0) + 1);
        let before = current.and_then(|current| current.state.clone());
        let seq = self.team.next_seq();
        let revision = Revision {
            key: change.key.clone(),
            version,
            seq,
            path: change.path.clone(),
            title: change.title.clone(),
            state: change.state_in_text(),
            content: change.content.clone(),
            author: self.me,
            change_id: change.change_id,
            at: self.now,
            erased: None,
        };
        self.team.note_approval(before.as_deref(), &revision);
        self.team.add(revision);
        Outcome::Applied(version, seq)
    }

    /// The newest row, unless this answer has shown enough; the first is always shown.
    fn show(&mut self, key: &ArtifactKey) -> Outcome {
        if self.shown >= MAX_SHOWN {
            return Outcome::Deferred;
        }
        let Some(current) = self.team.current(key) else { return Outcome::Conflict(None) };
        self.shown += current.shown_bytes();
        Outcome::Conflict(Some(Box::new((current.clone(), self.team.name_of(current.author)))))
    }
}

impl Team {
    /// Tells the channel of everything since `from`, if there is anything.
    fn announce(&mut self, from: u64) {
        if self.newest_seq < from {
            return;
        }
        let mut new: Vec<_> = self.newest.values().filter(|revision| revision.seq.0 >= from).collect();
        new.sort_by_key(|revision| revision.seq);
        let named = new.into_iter().take(MAX_NAMED);
        let changes = named.map(|revision| (revision.clone(), self.member_name(revision.author))).collect();
        self.notices.push(Notice { epoch: self.epoch, from: Seq(from), to: Seq(self.newest_seq), changes });
    }
}
