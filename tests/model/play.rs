//! Plays a history on a database and on the model side by side.

use std::collections::BTreeMap;

use agent_core::id::Timestamp;
use agent_sim::model::{Context, ModelRemote};
use agent_tests::{Refused, Sessions};
use anyhow::Result;
use serde_json::{Value, json};

use crate::compare::{Clock, difference};
use crate::history::{Cast, Step, TEAMS, closing, new_id, opening};

/// How often each kind of answer was given, so that a test can show that it has seen them all.
pub(crate) type Seen = BTreeMap<String, u64>;

/// Where a history is played: one database and the model, with the same people and teams.
pub(crate) struct Stage<'a> {
    pub(crate) sessions: &'a mut Sessions,
    pub(crate) model: ModelRemote,
    pub(crate) cast: Cast,
    pub(crate) clock: Clock,
    pub(crate) seen: Seen,
    pub(crate) steps: i64,
    /// Whether something was asked at the same time: then no answer tells whether a removal came before a
    /// push or after it, and so at which place of the channel the push was announced.
    pub(crate) is_contended: bool,
}

impl<'a> Stage<'a> {
    /// People who were never there before, in new teams.
    pub(crate) fn new(sessions: &'a mut Sessions) -> Result<Self> {
        // Not from the history's seed: on one database a history is played more than once.
        let mut cast = Cast::new(&mut fastrand::Rng::new());
        let mut model = ModelRemote::default();
        for (id, email) in &cast.people {
            sessions.sign_up(*id, email)?;
            model.sign_up(*id, email);
        }
        cast.teams.clear();
        let (clock, seen) = (Clock::default(), Seen::new());
        let mut stage = Self { sessions, model, cast, clock, seen, steps: 0, is_contended: false };
        for team in 0..TEAMS {
            for step in opening(team) {
                let answer = stage.step(&step)?;
                if step.function == "create_team" {
                    let id = answer.as_ref().ok().and_then(new_id).expect("a team was made");
                    stage.cast.teams.push(id);
                }
            }
        }
        Ok(stage)
    }

    /// One step on both; what the database answered.
    fn step(&mut self, step: &Step) -> Result<Result<Value, Refused>> {
        self.steps += 1;
        let (me, args) = self.cast.play(step);
        let real = self.sessions.call(me, step.function, &args)?;
        let new_id = real.as_ref().ok().and_then(new_id).unwrap_or_default();
        let context = Context { me, now: Timestamp(self.steps), new_id };
        let said = self.model.call(context, step.function, &args);
        self.note(step.function, &real);
        if let Some(difference) = disagreement(said, &real, &mut self.clock) {
            anyhow::bail!(Disagreement(difference));
        }
        if let Ok(answer) = &real {
            self.cast.hear(answer);
        }
        Ok(real)
    }

    fn note(&mut self, function: &str, answer: &Result<Value, Refused>) {
        let mut count = |what: String| *self.seen.entry(what).or_default() += 1;
        let answer = match answer {
            Err(refused) => {
                return count(format!(
                    "{function}: {} {}",
                    refused.code,
                    refused.message.chars().take(30).collect::<String>()
                ));
            }
            Ok(answer) => answer,
        };
        count(function.to_owned());
        for result in answer["results"].as_array().into_iter().flatten() {
            let code = result["reason"]["code"].as_str().unwrap_or_default();
            count(format!("{} {code}", result["result"].as_str().unwrap_or_default()).trim().to_owned());
        }
        if answer["more"] == true {
            count(format!("{function}: more"));
        }
    }

    /// Plays a whole history, and then compares all there is.
    pub(crate) fn play(&mut self, history: &[Step]) -> Result<()> {
        for step in history {
            let _ = self.step(step)?;
        }
        self.close()
    }

    /// Compares all there is: newest rows, every version, every broadcast, the whole audit log.
    pub(crate) fn close(&mut self) -> Result<()> {
        for step in closing(&self.model, &self.cast) {
            let _ = self.step(&step)?;
        }
        for team in self.cast.teams.clone() {
            let mut said = self.told(team);
            let mut real = self.sessions.query(&broadcasts(team))?;
            if self.is_contended {
                [&mut said, &mut real].into_iter().for_each(without_places);
            }
            if let Some(difference) = difference(&said, &real, &mut self.clock) {
                anyhow::bail!(Disagreement(format!("the broadcasts: {difference}")));
            }
            let mut said = self.model.audit_log(team);
            let mut real = self.sessions.query(&audit_log(team))?;
            if self.is_contended {
                [&mut said, &mut real].into_iter().for_each(without_order);
            }
            if let Some(difference) = difference(&said, &real, &mut self.clock) {
                anyhow::bail!(Disagreement(format!("the audit log: {difference}")));
            }
        }
        Ok(())
    }

    /// What the model says was broadcast, as [`broadcasts`] asks it of the database.
    fn told(&self, team: uuid::Uuid) -> Value {
        let (mut place, mut epoch) = (0, None);
        let changed = self.model.notices(team).iter().map(|notice| {
            place += u64::from(epoch.replace(notice.epoch) != Some(notice.epoch));
            json!({ "place": place, "payload": notice.to_json() })
        });
        json!({ "changed": changed.collect::<Vec<_>>(), "moves": self.model.channel_moves(team) })
    }
}

/// All that was broadcast on a team's channel, and at which of the places where it was; those at which
/// nothing was announced do not count.
fn broadcasts(team: uuid::Uuid) -> String {
    format!(
        "select jsonb_build_object('moves', count(*) filter (where m.event = 'channel_moved'),
           'changed', coalesce(jsonb_agg(jsonb_build_object('place', m.place, 'payload', m.payload - 'id') order by m.from_seq)
             filter (where m.event = 'artifacts_changed'), '[]'))
         from (select r.*, dense_rank() over (order by r.first_seq) as place
               from (select event, payload, (payload ->> 'from_seq')::bigint as from_seq,
                       min((payload ->> 'from_seq')::bigint) over (partition by topic) as first_seq
                     from realtime.messages where topic like 'team:{team}:%') r) m"
    )
}

/// A team's whole audit log, past the function.
fn audit_log(team: uuid::Uuid) -> String {
    format!(
        "select coalesce(jsonb_agg(to_jsonb(l) - 'team_id' order by l.entry), '[]') from private.audit_log l
         where l.team_id = '{team}'"
    )
}

/// At the same time, what was refused may have been so before or after what was done.
fn without_order(log: &mut Value) {
    let Some(entries) = log.as_array_mut() else { return };
    for entry in entries.iter_mut() {
        (entry["at"], entry["entry"]) = (Value::Null, Value::Null);
    }
    entries.sort_by_cached_key(Value::to_string);
}

fn without_places(broadcasts: &mut Value) {
    let changed = broadcasts["changed"].as_array_mut().into_iter().flatten();
    changed.for_each(|message| message["place"] = Value::Null);
}

/// What differs between the model's answer and the database's.
pub(crate) fn disagreement(
    said: Result<Value, agent_sim::model::Refusal>,
    real: &Result<Value, Refused>,
    clock: &mut Clock,
) -> Option<String> {
    match (said, real) {
        (Ok(said), Ok(real)) => difference(&said, real, clock),
        (Err(said), Err(real)) if (said.code, &said.message) == (real.code.as_str(), &real.message) => None,
        (said, real) => {
            Some(format!("the model says {said:?}, the database {real:?}").chars().take(800).collect())
        }
    }
}

/// The model and the database gave different answers; anything else that goes wrong is no finding.
#[derive(Debug)]
pub(crate) struct Disagreement(pub(crate) String);

impl std::fmt::Display for Disagreement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Disagreement {}

/// Plays a history on people and teams of its own: the disagreement, if there was one.
pub(crate) fn played(sessions: &mut Sessions, history: &[Step], seen: &mut Seen) -> Result<Option<String>> {
    let mut stage = Stage::new(sessions)?;
    let outcome = stage.play(history);
    for (what, count) in stage.seen {
        *seen.entry(what).or_default() += count;
    }
    match outcome {
        Ok(()) => Ok(None),
        Err(error) => error.downcast::<Disagreement>().map(|found| Some(found.0)),
    }
}

/// The shortest history that can be found by leaving out steps, and changes of pushes, and that still
/// disagrees; and how.
pub(crate) fn shrunk(sessions: &mut Sessions, mut history: Vec<Step>) -> Result<(Vec<Step>, String)> {
    let mut found = String::new();
    let mut keep = |history: &mut Vec<Step>, shorter: Vec<Step>| -> Result<bool> {
        let Some(difference) = played(sessions, &shorter, &mut Seen::new())? else { return Ok(false) };
        (*history, found) = (shorter, difference);
        Ok(true)
    };
    let mut chunk = history.len();
    while chunk > 0 {
        let mut start = 0;
        while start < history.len() {
            let mut shorter = history.clone();
            shorter.drain(start..(start + chunk).min(history.len()));
            if !keep(&mut history, shorter)? {
                start += chunk;
            }
        }
        chunk /= 2;
    }
    for step in 0..history.len() {
        let changes = |history: &[Step]| history[step].args["changes"].as_array().map_or(0, Vec::len);
        for change in (0..changes(&history)).rev() {
            let mut shorter = history.clone();
            shorter[step].args["changes"].as_array_mut().map(|changes| changes.remove(change));
            keep(&mut history, shorter)?;
        }
    }
    // Once more, for what it says.
    let same = history.clone();
    keep(&mut history, same)?;
    Ok((history, found))
}
