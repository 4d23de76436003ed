//! Presence on the team's channel: what to tell of ourselves, and when; and who is there, out of the
//! server's `presence_state` and `presence_diff`. Pure; [`super::channel`] carries it. Whatever others
//! tell is only believed to be text.

use std::collections::BTreeMap;

use agent_core::id::ArtifactKey;
use agent_core::presence::{MOST_SPOTS, Person, Say, SectionName, Spot, Throttle, to_say};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::signals::Millis;

/// The most connections that are looked at; a team of more people than this sees some of them.
const MOST_PEOPLE: usize = 500;
/// The longest name shown, in characters.
const LONGEST_NAME: usize = 120;

/// What we tell: who we are, and what is open here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Here {
    /// The user's id.
    pub(crate) user: String,
    /// What they are called.
    pub(crate) name: String,
    /// What they have open; empty: nothing is told.
    pub(crate) spots: Vec<Spot>,
}

/// Presence as the wire has it.
#[derive(Serialize, Deserialize)]
struct Meta {
    user: String,
    name: String,
    open: Vec<Open>,
}

#[derive(Serialize, Deserialize)]
struct Open {
    kind: String,
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    section: Option<String>,
    #[serde(default, skip_serializing_if = "is_first")]
    nth: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_first(nth: &u32) -> bool {
    *nth == 0
}

/// The presence of one process on one channel.
#[derive(Debug)]
pub(super) struct Presence {
    /// Ours among the keys of the channel; unguessable, so that nobody passes as us to ourselves.
    key: String,
    wanted: Here,
    /// What the server knows of us since we joined.
    said: Option<Here>,
    throttle: Throttle,
    /// By key and ref; `None` until the server told.
    state: Option<BTreeMap<String, BTreeMap<String, Person>>>,
    /// Changes that came before the state.
    early: Vec<Value>,
    shown: Vec<Person>,
}

impl Presence {
    pub(super) fn new(key: String) -> Self {
        let (wanted, throttle) = (Here::default(), Throttle::default());
        Self { key, wanted, said: None, throttle, state: None, early: Vec::new(), shown: Vec::new() }
    }

    /// What the join asks for.
    pub(super) fn config(&self) -> Value {
        json!({ "enabled": true, "key": self.key })
    }

    pub(super) fn want(&mut self, here: Here) {
        self.wanted = here;
    }

    /// The channel is not joined (any more): nobody knows who is there.
    pub(super) fn gone(&mut self) -> Option<Vec<Person>> {
        self.said = None;
        self.state = None;
        self.early.clear();
        self.news()
    }

    /// When there is something to tell; `None` when there is nothing.
    pub(super) fn due(&self, now: Millis) -> Option<Millis> {
        (self.to_say() != Say::Nothing).then(|| self.throttle.due(now))
    }

    /// The payload to send now, if something is due.
    pub(super) fn say(&mut self, now: Millis) -> Option<Value> {
        if self.due(now)? > now {
            return None;
        }
        self.throttle.sent(now);
        if self.to_say() == Say::Untrack {
            self.said = None;
            return Some(json!({ "type": "presence", "event": "untrack" }));
        }
        self.said = Some(self.wanted.clone());
        Some(json!({ "type": "presence", "event": "track", "payload": meta(&self.wanted) }))
    }

    fn to_say(&self) -> Say {
        let said = self.said.as_ref().map(|said| said.spots.as_slice());
        match to_say(&self.wanted.spots, said, self.is_alone()) {
            // Somebody else signed in.
            Say::Nothing
                if said.is_some() && self.said.as_ref().is_some_and(|s| s.user != self.wanted.user) =>
            {
                Say::Track
            }
            say => say,
        }
    }

    fn is_alone(&self) -> bool {
        self.state.as_ref().is_none_or(|state| state.keys().all(|key| *key == self.key))
    }

    /// Takes `presence_state`: everybody who is there. Answers who, if that is news.
    pub(super) fn state(&mut self, payload: &Value) -> Option<Vec<Person>> {
        self.state = Some(BTreeMap::new());
        self.join(payload);
        for diff in std::mem::take(&mut self.early) {
            self.apply(&diff);
        }
        self.news()
    }

    /// Takes `presence_diff`. Answers who is there, if that is news.
    pub(super) fn diff(&mut self, payload: &Value) -> Option<Vec<Person>> {
        if self.state.is_none() {
            self.early.push(payload.clone());
            return None;
        }
        self.apply(payload);
        self.news()
    }

    fn apply(&mut self, diff: &Value) {
        self.join(&diff["joins"]);
        let Some(state) = &mut self.state else { return };
        for (key, reference, _) in metas(&diff["leaves"]) {
            let Some(of_key) = state.get_mut(key) else { continue };
            of_key.remove(reference);
            if of_key.is_empty() {
                state.remove(key);
            }
        }
    }

    fn join(&mut self, joins: &Value) {
        let Some(state) = &mut self.state else { return };
        for (key, reference, meta) in metas(joins) {
            if state.len() < MOST_PEOPLE || state.contains_key(key) {
                state.entry(key.to_owned()).or_default().insert(reference.to_owned(), person(meta));
            }
        }
    }

    fn news(&mut self) -> Option<Vec<Person>> {
        let others = self.state.iter().flatten().filter(|(key, _)| **key != self.key);
        let people: Vec<_> = others.flat_map(|(_, of_key)| of_key.values().cloned()).collect();
        if people == self.shown {
            return None;
        }
        self.shown.clone_from(&people);
        Some(people)
    }
}

/// Every entry of a state, of joins or of leaves: its key, its ref and what was told.
fn metas(state: &Value) -> impl Iterator<Item = (&String, &str, &Value)> {
    state.as_object().into_iter().flatten().flat_map(|(key, of_key)| {
        let metas = of_key["metas"].as_array().into_iter().flatten();
        metas.filter_map(move |meta| Some((key, meta["phx_ref"].as_str()?, meta)))
    })
}

fn meta(here: &Here) -> Value {
    let open = |spot: &Spot| Open {
        kind: spot.key.kind.as_str().to_owned(),
        id: spot.key.id.as_str().to_owned(),
        section: spot.section.as_ref().map(|section| section.title.clone()),
        nth: spot.section.as_ref().map_or(0, |section| section.nth),
    };
    let open = here.spots.iter().map(open).collect();
    json!(Meta { user: here.user.clone(), name: here.name.clone(), open })
}

/// What somebody told; somebody without anything open, if it makes no sense.
fn person(meta: &Value) -> Person {
    let Ok(meta) = serde_json::from_value::<Meta>(meta.clone()) else {
        return Person { user: String::new(), name: String::new(), spots: Vec::new() };
    };
    let spot = |open: Open| {
        let key = ArtifactKey::new(&open.kind, &open.id).ok()?;
        let section = open.section.map(|title| SectionName::told(&title, open.nth));
        Some(Spot { key, section })
    };
    let name: String = meta.name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    Person { user: meta.user, name, spots: meta.open.into_iter().take(MOST_SPOTS).filter_map(spot).collect() }
}

#[cfg(test)]
#[path = "presence_tests.rs"]
mod tests;
