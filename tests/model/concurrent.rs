//! Many sessions at the same time: their answers have to be those of some order, one after the other,
//! that keeps each session's own. The seqs in the answers say where a push or a pull has its place.

use agent_core::id::Timestamp;
use agent_sim::model::{Context, ModelRemote};
use agent_tests::{Call, Refused, Sessions};
use anyhow::{Result, bail};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::compare::Clock;
use crate::history::{Author, Step, new_id};
use crate::play::{Disagreement, Stage, disagreement};

/// A step as a session asked it, and what it was answered.
struct Asked {
    session: usize,
    call: Call,
    answer: Result<Value, Refused>,
}

impl Asked {
    /// The team's newest seq when this was carried out, where the answer tells.
    fn newest_seq_before(&self) -> Option<u64> {
        let answer = self.answer.as_ref().ok()?;
        match self.call.function.as_str() {
            "push_artifacts" => Some(answer["from_seq"].as_u64()? - 1),
            "pull_artifacts" => answer["newest_seq"].as_u64(),
            "erase_author" => Some(answer["newest_seq"].as_u64()? - answer["artifacts"].as_u64()? - 1),
            _ => None,
        }
    }

    fn team(&self) -> Uuid {
        self.call.args["team"].as_str().and_then(|text| Uuid::try_parse(text).ok()).unwrap_or_default()
    }

    /// Whether it may have changed anything.
    fn changes(&self) -> bool {
        match (&self.answer, self.call.function.as_str()) {
            (Err(_), _) | (_, "pull_artifacts" | "artifact_versions" | "team_lifecycle") => false,
            (Ok(answer), "push_artifacts") => answer["newest_seq"].as_u64() >= answer["from_seq"].as_u64(),
            _ => true,
        }
    }
}

/// An order being looked for: what has happened so far, and which step of each session is next.
#[derive(Clone)]
struct Order {
    model: ModelRemote,
    clock: Clock,
    time: i64,
    next: Vec<usize>,
}

impl Order {
    /// One more step, if the model answers it as the database did.
    fn with(&self, asked: &Asked) -> Option<Self> {
        let newest = self.model.newest_seq(asked.team()).0;
        if asked.newest_seq_before().is_some_and(|before| before != newest) {
            return None;
        }
        let mut after = self.clone();
        after.time += 1;
        after.next[asked.session] += 1;
        let new_id = asked.answer.as_ref().ok().and_then(new_id).unwrap_or_default();
        let context = Context { me: asked.call.me, now: Timestamp(after.time), new_id };
        let said = after.model.call(context, &asked.call.function, &asked.call.args);
        disagreement(said, &asked.answer, &mut after.clock).is_none().then_some(after)
    }
}

/// The state after some order in which the model gives every answer; `None` when there is none.
fn explained(mut order: Order, by_session: &[Vec<Asked>], furthest: &mut Vec<usize>) -> Option<Order> {
    loop {
        if order.next.iter().sum::<usize>() > furthest.iter().sum() {
            furthest.clone_from(&order.next);
        }
        let heads: Vec<&Asked> =
            by_session.iter().zip(&order.next).filter_map(|(steps, &next)| steps.get(next)).collect();
        if heads.is_empty() {
            return Some(order);
        }
        // What fits and changes nothing has no later place that would be better.
        if let Some(after) = heads.iter().filter(|asked| !asked.changes()).find_map(|asked| order.with(asked))
        {
            order = after;
            continue;
        }
        let changing = heads.iter().filter(|asked| asked.changes());
        return changing
            .filter_map(|asked| order.with(asked))
            .find_map(|after| explained(after, by_session, furthest));
    }
}

/// Asks all steps of all sessions at once, and finds the order that explains the answers.
fn at_once(stage: &mut Stage<'_>, steps: Vec<Vec<Step>>) -> Result<Vec<Value>> {
    let mut calls = Vec::new();
    for turn in 0..steps.iter().map(Vec::len).max().unwrap_or(0) {
        for (session, steps) in steps.iter().enumerate() {
            let Some(step) = steps.get(turn) else { continue };
            let (me, args) = stage.cast.play(step);
            calls.push(Call { session, me, function: step.function.to_owned(), args });
        }
    }
    stage.is_contended = true;
    let answers = stage.sessions.call_all(&calls)?;
    let pushed = calls.iter().zip(&answers).filter(|(call, _)| call.function == "push_artifacts");
    let pushed: Vec<Value> = pushed.filter_map(|(_, answer)| answer.as_ref().ok().cloned()).collect();
    let mut by_session: Vec<Vec<Asked>> = steps.iter().map(|_| Vec::new()).collect();
    for (call, answer) in calls.into_iter().zip(answers) {
        by_session[call.session].push(Asked { session: call.session, call, answer });
    }
    let order = Order {
        model: stage.model.clone(),
        clock: stage.clock.clone(),
        time: stage.steps,
        next: vec![0; steps.len()],
    };
    let mut furthest = order.next.clone();
    let Some(order) = explained(order, &by_session, &mut furthest) else {
        let heads = by_session.iter().zip(&furthest).filter_map(|(steps, &next)| steps.get(next));
        let left: Vec<_> =
            heads.map(|asked| brief(&format!("{:?} {:?}", asked.call, asked.answer))).collect();
        bail!(Disagreement(format!(
            "no order explains the answers; what is left of one:\n{}",
            left.join("\n")
        )));
    };
    (stage.model, stage.clock, stage.steps) = (order.model, order.clock, order.time);
    Ok(pushed)
}

fn brief(text: &str) -> String {
    text.chars().take(600).collect()
}

/// Several sessions push, pull and change roles at once, with overlapping batches.
pub(crate) fn mixed(sessions: &mut Sessions, seed: u64) -> Result<()> {
    const SESSIONS: usize = 6;
    const STEPS: usize = 4;
    let mut author = Author::new(seed);
    let mut stage = Stage::new(sessions)?;
    for _ in 0..2 {
        let one = |author: &mut Author| -> Vec<Step> {
            let steps = std::iter::repeat_with(|| author.step());
            // One team: moments of different teams have no order, and nor have entries of the audit log.
            let is_told = |step: &Step| step.args["team"] == "$team 0" && step.function != "audit_entries";
            steps.filter(is_told).take(STEPS).collect()
        };
        let mut steps: Vec<_> = (0..SESSIONS - 1).map(|_| one(&mut author)).collect();
        // A reply that seemed lost: the same again, while the first is still under way.
        steps.push(steps[0].clone());
        at_once(&mut stage, steps)?;
    }
    stage.close()
}

/// So many sessions push one artifact at once, again and again.
pub(crate) fn contended(sessions: &mut Sessions, n_sessions: usize, rounds: u64) -> Result<()> {
    let mut rng = fastrand::Rng::with_seed(1);
    let mut stage = Stage::new(sessions)?;
    let mut sent: Vec<Vec<Step>> = Vec::new();
    for base in 0..rounds {
        let mut push = |session: usize| {
            let content = format!("{base} by {session}\n");
            let change = json!({
                "change_id": Uuid::from_u128(rng.u128(..)).to_string(), "kind": "story", "id": "A",
                "base_version": base, "path": "a.md", "content": content,
                "content_hash": agent_core::id::ContentHash::of(content.as_bytes()).to_string(),
            });
            let args = json!({ "team": "$team 0", "changes": [change] });
            vec![Step { me: Some(session % 3), function: "push_artifacts", args }]
        };
        let steps: Vec<_> = (0..n_sessions).map(&mut push).collect();
        let answers = at_once(&mut stage, steps.clone())?;
        assert_eq!(answers.len(), n_sessions, "every session was answered");
        let results = answers.iter().map(|answer| &answer["results"][0]);
        let (won, lost): (Vec<_>, Vec<_>) = results.partition(|result| result["result"] == "applied");
        let [winner] = won.as_slice() else { bail!(Disagreement(format!("{} winners", won.len()))) };
        assert_eq!((&winner["version"], &winner["seq"]), (&json!(base + 1), &json!(base + 1)));
        assert!(
            lost.iter()
                .all(|result| result["result"] == "conflict" && result["current"]["version"] == base + 1)
        );
        sent = steps;
    }
    // Everybody thinks the last answer was lost: the winner hears that it won, the others what won.
    let again = at_once(&mut stage, sent)?;
    let duplicates = again.iter().filter(|answer| answer["results"][0]["result"] == "duplicate").count();
    assert_eq!(duplicates, 1);
    stage.close()
}

/// Somebody is erased while they and others push and pull: no text of theirs is left, and none comes back.
pub(crate) fn erased(sessions: &mut Sessions) -> Result<()> {
    let mut rng = fastrand::Rng::with_seed(2);
    let mut stage = Stage::new(sessions)?;
    let team = stage.cast.teams[0];
    for person in [1, 2] {
        let mut push = |me: usize, id: &str| {
            let content = format!("of person {me}: {}\n", rng.u32(..));
            let change = json!({
                "change_id": Uuid::from_u128(rng.u128(..)).to_string(), "kind": "story", "id": id,
                "base_version": rng.u8(0..3), "path": "a.md", "content": content,
                "content_hash": agent_core::id::ContentHash::of(content.as_bytes()).to_string(),
            });
            let args = json!({ "team": "$team 0", "changes": [change] });
            Step { me: Some(me), function: "push_artifacts", args }
        };
        let mut pushes = |me: usize| -> Vec<Step> { ["A", "B", "C", "A"].map(|id| push(me, id)).into() };
        let mut steps: Vec<_> = [person, person, person, person, 0, 0].map(&mut pushes).into();
        let theirs = steps[..4].to_vec();
        let pull = Step {
            me: Some(0),
            function: "pull_artifacts",
            args: json!({ "team": "$team 0", "after_seq": 0 }),
        };
        let args = json!({ "team": "$team 0", "member": format!("$person {person}"), "texts": "remove" });
        let erase = Step { me: Some(0), function: "erase_author", args };
        steps.push(vec![pull.clone(); 4]);
        steps.push(vec![pull.clone(), erase, pull]);
        at_once(&mut stage, steps)?;
        // What seemed lost is sent again.
        at_once(&mut stage, theirs)?;
        let left = stage.sessions.query(&format!(
            "select to_jsonb(count(*)) from (select content, author from public.artifact_history where team_id = '{team}'
               union all select content, author from public.artifacts where team_id = '{team}') as x
             where content like 'of person {person}%' or author = '{}'",
            stage.cast.people[person].0
        ))?;
        if left != json!(0) {
            bail!(Disagreement(format!("{left} versions of person {person} are left")));
        }
    }
    stage.close()
}
