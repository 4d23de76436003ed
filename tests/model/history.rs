//! A history: what several people ask of a server, one after the other, drawn from a seed. People,
//! teams and addresses are placeholders, so that the same history can be played anywhere.

use std::collections::BTreeSet;
use std::fmt;

use agent_core::id::{ContentHash, Timestamp};
use agent_sim::model::{Context, ModelRemote};
use serde_json::{Value, json};
use uuid::Uuid;

/// How many people and teams there are; the first person makes the teams.
pub(crate) const PEOPLE: usize = 5;
pub(crate) const TEAMS: usize = 2;

const STATES: [&str; 8] =
    ["DRAFT", "open", "Committed", "APPROVED", "DONE", "PROPOSED", "In Review", "SUPERSEDED"];

/// One call: by whom, which function, with what.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) me: Option<usize>,
    pub(crate) function: &'static str,
    pub(crate) args: Value,
}

impl fmt::Display for Step {
    /// On one line, long texts by their length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = self.me.map_or("nobody".to_owned(), |n| format!("person {n}"));
        write!(f, "{who}: {} {}", self.function, brief(&self.args))
    }
}

fn brief(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() > 80 => json!(format!("({} bytes)", text.len())),
        Value::Array(items) => items.iter().map(brief).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), brief(value))).collect(),
        plain => plain.clone(),
    }
}

/// What placeholders stand for.
#[derive(Debug, Clone)]
pub(crate) struct Cast {
    pub(crate) people: Vec<(Uuid, String)>,
    pub(crate) teams: Vec<Uuid>,
    /// In the order in which they were made.
    pub(crate) invitations: Vec<Uuid>,
}

impl Cast {
    /// People with accounts; their teams are made by [`Cast::found`].
    pub(crate) fn new(rng: &mut fastrand::Rng) -> Self {
        let person = |n: usize, rng: &mut fastrand::Rng| {
            let id = Uuid::from_u128(rng.u128(..));
            (id, format!("P{n}+{}@example.com", id.simple()))
        };
        Self {
            people: (0..PEOPLE).map(|n| person(n, rng)).collect(),
            teams: Vec::new(),
            invitations: Vec::new(),
        }
    }

    /// A step's person and arguments with what the placeholders stand for.
    pub(crate) fn play(&self, step: &Step) -> (Option<Uuid>, Value) {
        let mut args = step.args.clone();
        for value in args.as_object_mut().into_iter().flatten().map(|(_, value)| value) {
            if let Some(meant) = value.as_str().and_then(|text| self.meant_by(text)) {
                *value = json!(meant);
            }
        }
        (step.me.map(|n| self.people[n].0), args)
    }

    /// Remembers what an answer names for later steps.
    pub(crate) fn hear(&mut self, answer: &Value) {
        let invitation = answer["invitation"].as_str().and_then(|text| Uuid::try_parse(text).ok());
        self.invitations.extend(invitation.filter(|invitation| !self.invitations.contains(invitation)));
    }

    fn meant_by(&self, text: &str) -> Option<String> {
        let (what, n) = text.strip_prefix('$')?.split_once(' ')?;
        let n: usize = n.parse().ok()?;
        match what {
            "team" => Some(self.teams.get(n).copied().unwrap_or(Uuid::max()).to_string()),
            "invitation" => Some(self.invitations.get(n).copied().unwrap_or(Uuid::max()).to_string()),
            "person" => Some(self.people[n].0.to_string()),
            "email" => Some(self.people[n].1.clone()),
            "EMAIL" => Some(format!(" {} ", self.people[n].1.to_uppercase())),
            _ => None,
        }
    }
}

/// The steps before every history: the teams, and most people in them.
pub(crate) fn opening(team: usize) -> Vec<Step> {
    let mut steps =
        vec![Step { me: Some(0), function: "create_team", args: json!({ "name": format!("Team {team}") }) }];
    for (n, role) in ["editor", "approver", "viewer"].into_iter().enumerate() {
        let (who, place) = (n + 1, team * 3 + n);
        let args = json!({ "team": format!("$team {team}"), "email": format!("$email {who}"), "role": role });
        steps.push(Step { me: Some(0), function: "invite_member", args });
        let args = json!({ "invitation": format!("$invitation {place}") });
        steps.push(Step { me: Some(who), function: "accept_invitation", args });
    }
    steps
}

/// The id of what a call has made, if it made anything.
pub(crate) fn new_id(answer: &Value) -> Option<Uuid> {
    let text =
        answer.as_str().or_else(|| answer["invitation"].as_str()).or_else(|| answer["pseudonym"].as_str())?;
    Uuid::try_parse(text).ok()
}

/// The history of a seed.
pub(crate) fn history(seed: u64, length: usize) -> Vec<Step> {
    let mut author = Author::new(seed);
    (0..length).map(|_| author.step()).collect()
}

/// A history of what random ones seldom come across: the limits of sizes, where answers stop, and each
/// refusal of a lifecycle.
pub(crate) fn rarities() -> Vec<Step> {
    let step = |function, mut args: Value| {
        args["team"] = json!("$team 0");
        Step { me: Some(0), function, args }
    };
    let largest = 2 * 1024 * 1024;
    let change = |n: u128, id: &str, base_version: u32, content: String| {
        json!({
            "change_id": Uuid::from_u128(n).to_string(), "kind": "story", "id": id, "base_version": base_version,
            "path": "a.md", "content_hash": hash_of(&json!(content)), "content": content,
        })
    };
    let push = |changes: Vec<Value>| step("push_artifacts", json!({ "changes": changes }));
    let large = |n, id, base_version, bytes| change(n, id, base_version, "x".repeat(bytes));
    let stated = |n, base_version, state: &str| {
        push(vec![change(n, "S", base_version, format!("State: {state} {n}\n"))])
    };
    let by_an_editor = |step: Step| Step { me: Some(1), ..step };
    let rules = json!({ "states": ["DRAFT"], "approved": [], "transitions": [] });
    let mut steps = vec![
        step("push_artifacts", json!({ "changes": {} })),
        Step { me: Some(3), ..stated(25, 0, "DRAFT") },
        step("allocate_id", json!({ "kind": "story", "prefix": "NEW", "after_number": 7 })),
        step("set_lifecycle", json!({ "kind": "note", "states": rules })),
        step("set_member_role", json!({ "member": "$person 3", "role": "viewer" })),
        stated(20, 0, "APPROVED"),
        stated(21, 1, "APPROVED"),
        stated(22, 1, "ICEBOX"),
        by_an_editor(stated(23, 1, "OPEN")),
        stated(24, 1, "OPEN"),
        step("artifact_approvals", json!({ "kind": "story", "id": "S" })),
        push(vec![
            large(1, "A", 0, largest),
            large(2, "B", 0, largest),
            large(3, "C", 0, largest + 1),
            large(4, "C", 0, 100_000),
        ]),
        // All of them stale: the first two show as much as one answer shows.
        push((5..10).zip(["C", "A", "B", "A", "D"]).map(|(n, id)| large(n, id, 7, 1)).collect()),
        step("pull_artifacts", json!({ "after_seq": 2, "max_bytes": 2 * largest })),
        step("pull_artifacts", json!({ "after_seq": 2, "max_bytes": 2 * largest - 1 })),
    ];
    steps.extend((1..=3).map(|version| push(vec![large(10 + u128::from(version), "A", version, largest)])));
    for with_content in [true, false] {
        let args = json!({ "kind": "story", "id": "A", "with_content": with_content });
        steps.push(step("artifact_versions", args));
    }
    // Erased with and without their texts, by themselves and by an admin; nothing brings a text back.
    let theirs = push(vec![
        change(30, "E", 0, "of person 2\n".to_owned()),
        change(31, "F", 0, "and more\n".to_owned()),
    ]);
    let erase = |person: usize, texts: &str| {
        step("erase_author", json!({ "member": format!("$person {person}"), "texts": texts }))
    };
    steps.extend([
        Step { me: Some(2), ..theirs.clone() },
        push(vec![change(32, "F", 1, "of an admin\n".to_owned())]),
        by_an_editor(push(vec![change(33, "G", 0, "of person 1\n".to_owned())])),
        Step { me: Some(3), ..erase(2, "keep") },
        erase(0, "keep"),
        erase(1, "some"),
        erase(1, "keep"),
        Step { me: Some(2), ..erase(2, "remove") },
        Step { me: Some(2), ..theirs.clone() },
        theirs,
        step("pull_artifacts", json!({ "after_seq": 0 })),
    ]);
    for id in ["E", "F", "G"] {
        steps.push(step("artifact_versions", json!({ "kind": "story", "id": id, "with_content": true })));
        let hash = agent_core::id::ContentHash::of(b"of person 2\n").to_string();
        steps.push(step("artifact_versions", json!({ "kind": "story", "id": id, "content_hash": hash })));
    }
    steps
}

/// Draws steps, and plays them against a model of its own to know what would be plausible next.
pub(crate) struct Author {
    rng: fastrand::Rng,
    model: ModelRemote,
    cast: Cast,
    /// Changes that were sent before, to be sent again as they were.
    sent: Vec<Value>,
    steps: i64,
}

impl Author {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let cast = Cast::new(&mut rng);
        let mut model = ModelRemote::default();
        for (id, email) in &cast.people {
            model.sign_up(*id, email);
        }
        let mut author = Self { rng, model, cast, sent: Vec::new(), steps: 0 };
        for team in 0..TEAMS {
            author.cast.teams.push(Uuid::from_u128(team as u128 + 1));
            for step in opening(team) {
                let made =
                    if step.function == "create_team" { team as u128 + 1 } else { author.rng.u128(..) };
                author.play(&step, Uuid::from_u128(made));
            }
        }
        author
    }

    fn play(&mut self, step: &Step, new_id: Uuid) {
        let (me, args) = self.cast.play(step);
        let context = Context { me, now: Timestamp(self.steps), new_id };
        // A refusal is as good a step as any.
        if let Ok(answer) = self.model.call(context, step.function, &args) {
            self.cast.hear(&answer);
        }
    }

    pub(crate) fn step(&mut self) -> Step {
        self.steps += 1;
        let team = self.team();
        let (function, args) = match self.rng.u8(0..100) {
            0..=54 => ("push_artifacts", self.push(team)),
            55..=63 | 67..=69 => ("pull_artifacts", self.pull(team)),
            70..=81 => ("artifact_versions", self.versions(team)),
            82 | 83 => ("set_lifecycle", self.lifecycle(team)),
            64..=66 => ("audit_entries", self.audit(team)),
            84 => ("team_lifecycle", json!({ "team": format!("$team {team}") })),
            85..=96 => self.membership(team),
            _ => ("create_team", self.create()),
        };
        let me = match self.rng.u8(0..30) {
            0 => None,
            // The first is an admin as long as nobody changes that.
            1..=14 => Some(0),
            _ => Some(self.rng.usize(0..PEOPLE)),
        };
        let step = Step { me, function, args };
        let new_id = Uuid::from_u128(self.rng.u128(..));
        self.play(&step, new_id);
        step
    }

    /// The second team is a small one; the last number stands for no team.
    fn team(&mut self) -> usize {
        match self.rng.u8(0..40) {
            0 => TEAMS,
            1..=8 => 1,
            _ => 0,
        }
    }

    fn audit(&mut self, team: usize) -> Value {
        let person = self.rng.usize(0..PEOPLE);
        let member = if self.rng.bool() { json!(format!("$person {person}")) } else { Value::Null };
        let max_rows = if self.rng.bool() { json!(self.rng.u8(0..6)) } else { Value::Null };
        json!({ "team": format!("$team {team}"), "member": member, "max_rows": max_rows })
    }

    fn push(&mut self, team: usize) -> Value {
        let team_arg = json!(format!("$team {team}"));
        match self.rng.u8(0..150) {
            0 => return json!({ "team": team_arg, "changes": {} }),
            1 => return json!({ "team": team_arg, "changes": null }),
            2 => {
                let changes = vec![json!(7); self.rng.usize(1000..=1001)];
                return json!({ "team": team_arg, "changes": changes });
            }
            _ => {}
        }
        let count = match self.rng.u8(0..10) {
            0 => 0,
            1..=5 => 1,
            6..=8 => self.rng.usize(2..=5),
            _ => self.rng.usize(6..=14),
        };
        let changes: Vec<_> = (0..count).map(|_| self.change(team)).collect();
        self.sent.extend(changes.iter().cloned());
        json!({ "team": team_arg, "changes": changes })
    }

    fn change(&mut self, team: usize) -> Value {
        if !self.sent.is_empty() && self.rng.u8(0..5) == 0 {
            return self.again();
        }
        let kind = self.pick(&["story", "story", "plan", "note"]);
        let id = self.pick(&["A", "B", "C", "D", "E-1"]);
        let version = self.version_of(team, kind, id);
        let base_version = match self.rng.u8(0..12) {
            0 => version + 1,
            1 => version.saturating_sub(1),
            2 => 0,
            3 => self.rng.u64(0..4),
            _ => version,
        };
        let content = self.content();
        let mut change = json!({
            "change_id": Uuid::from_u128(self.rng.u128(..)).to_string(), "kind": kind, "id": id,
            "base_version": base_version, "path": format!("{kind}s/{id}.md"), "title": "Title", "state": "DRAFT",
            "content_hash": hash_of(&content), "content": content,
        });
        for _ in 0..self.rng.u8(0..8) / 6 {
            self.spoil(&mut change);
        }
        change
    }

    fn version_of(&self, team: usize, kind: &str, id: &str) -> u64 {
        let key = agent_core::id::ArtifactKey::new(kind, id).expect("a good key");
        let team = self.cast.teams.get(team).copied().unwrap_or_default();
        self.model.current(team, &key).map_or(0, |current| current.version.0)
    }

    /// A change that was sent before: as it was, or under its id something else.
    fn again(&mut self) -> Value {
        let mut change = self.sent[self.rng.usize(0..self.sent.len())].clone();
        if !change.is_object() {
            return change;
        }
        match self.rng.u8(0..10) {
            0 => {
                change["content"] = json!(self.content());
                change["content_hash"] = json!(hash_of(&change["content"]));
            }
            1 => change["path"] = json!("elsewhere.md"),
            2 => change["id"] = json!(self.pick(&["A", "B", "C"])),
            3 => change["title"] = json!("Another"),
            4 => change["base_version"] = json!(self.rng.u8(0..3)),
            5 => {
                let upper = change["change_id"].as_str().unwrap_or_default().to_uppercase();
                change["change_id"] = json!(upper);
            }
            _ => {}
        }
        change
    }

    fn content(&mut self) -> Value {
        let texts = ["", "one\n", "two\n", "three\r\nlines\r\n", "\u{feff}# Überschrift\n", "日本語 🌱"];
        match self.rng.u8(0..8) {
            0 => Value::Null,
            1 => json!(format!("{}\n", self.rng.u32(..))),
            2..=5 => json!(format!("# Title\n\nState: {}\n{}\n", self.pick(&STATES), self.rng.u8(0..3))),
            _ => json!(self.pick(&texts)),
        }
    }

    /// Gives one field a value that is odd, and often wrong.
    fn spoil(&mut self, change: &mut Value) {
        let long = |text: &str, count: usize| json!(text.repeat(count));
        let other_hash = json!(ContentHash::of(b"other").to_string());
        let (field, values): (&str, Vec<Value>) = match self.rng.u8(0..10) {
            0 => (
                "change_id",
                vec![json!("no uuid"), json!(7), Value::Null, json!(Uuid::nil().simple().to_string())],
            ),
            1 => (
                "kind",
                vec![
                    json!("Story"),
                    json!(7),
                    json!(""),
                    json!("a_b-9"),
                    long("k", 32),
                    long("k", 33),
                    Value::Null,
                ],
            ),
            2 => (
                "id",
                vec![
                    json!(""),
                    json!("a/b"),
                    json!("a\\b"),
                    json!("a\u{85}b"),
                    json!("\u{7f}"),
                    json!("a\nb"),
                    long("🌱", 200),
                    long("x", 201),
                    json!(7),
                    json!(true),
                    json!({ "bb": [1, "x"], "a": null }),
                    json!([]),
                    json!("Ü 1"),
                    Value::Null,
                ],
            ),
            3 => (
                "base_version",
                vec![
                    json!(-1),
                    json!("1"),
                    json!(1.5),
                    Value::Null,
                    json!([0]),
                    json!(999_999_999_999_999_999_u64),
                    json!(1_000_000_000_000_000_000_u64),
                    json!(true),
                ],
            ),
            4 => (
                "path",
                vec![
                    json!("/a.md"),
                    json!("a//b.md"),
                    json!("./a.md"),
                    json!("a/../b.md"),
                    json!(".."),
                    json!("a/"),
                    json!(""),
                    json!("a\\b.md"),
                    json!("C:/a.md"),
                    json!("a\nb.md"),
                    long("x", 1024),
                    long("x", 1025),
                    long("ä", 512),
                    long("ä", 513),
                    json!("a.md "),
                    json!("a.md."),
                    json!("x./a.md"),
                    json!("..a/b...md"),
                    json!(" a.md"),
                    json!(7),
                    Value::Null,
                    json!("a b/ä–ö.md"),
                    json!("a\u{9f}b"),
                    json!("a..b/c"),
                ],
            ),
            5 => ("content", vec![json!(5), json!({}), json!(false), json!("without its hash")]),
            6 => ("content_hash", vec![Value::Null, other_hash, json!(""), json!("AB"), json!(7)]),
            7 => (
                "title",
                vec![
                    Value::Null,
                    json!({}),
                    json!(1),
                    long("x", 8192),
                    long("x", 8193),
                    long("ä", 4097),
                    json!(""),
                ],
            ),
            8 => (
                "state",
                vec![Value::Null, json!([]), json!(true), long("x", 8192), long("x", 8193), json!("OPEN")],
            ),
            _ => return self.forget(change),
        };
        change[field] = values[self.rng.usize(0..values.len())].clone();
    }

    fn forget(&mut self, change: &mut Value) {
        if self.rng.u8(0..4) == 0 {
            *change =
                [json!(null), json!(5), json!("text"), json!([]), json!({})][self.rng.usize(0..5)].clone();
            return;
        }
        let fields =
            ["change_id", "kind", "id", "base_version", "path", "title", "state", "content", "content_hash"];
        let field = self.pick(&fields);
        if let Some(fields) = change.as_object_mut() {
            fields.remove(field);
        }
    }

    fn lifecycle(&mut self, team: usize) -> Value {
        let transition = |from: Value, to: &str, role: &str| json!({ "from": from, "to": to, "role": role });
        let good = json!({
            "states": ["DRAFT", "DONE"], "approved": ["DONE"],
            "transitions": [transition(Value::Null, "DRAFT", "editor"), transition(json!("DRAFT"), "DONE", "approver")],
        });
        let mut states = good.clone();
        match self.rng.u8(0..16) {
            0 => states["states"] = json!(["DRAFT", "Done"]),
            1 => states["states"] = json!(["DRAFT", "DRAFT", "DONE"]),
            2 => states["states"] = json!([]),
            3 => states["approved"] = json!(["OPEN"]),
            4 => states["more"] = json!(1),
            5 => states["transitions"] = json!([good["transitions"][0], good["transitions"][0]]),
            6 => states["transitions"] = json!([transition(json!("DRAFT"), "DONE", "editor")]),
            7 => states["transitions"] = json!([transition(json!("DRAFT"), "DRAFT", "editor")]),
            8 => states["transitions"] = json!([transition(json!("DRAFT"), "DONE", "viewer")]),
            9 => states = json!([]),
            10 | 11 => states = Value::Null,
            _ => {}
        }
        let kind = self.pick(&["story", "plan", "note", "note", "No Kind"]);
        json!({ "team": format!("$team {team}"), "kind": kind, "states": states })
    }

    fn pull(&mut self, team: usize) -> Value {
        let mut args = json!({ "team": format!("$team {team}"), "after_seq": self.rng.i64(-1..40) });
        if self.rng.bool() {
            let rows = [Value::Null, json!(0), json!(-5), json!(1), json!(2), json!(3), json!(5000)];
            args["max_rows"] = rows[self.rng.usize(0..rows.len())].clone();
        }
        if self.rng.bool() {
            let bytes = [Value::Null, json!(0), json!(1), json!(5), json!(12), json!(30), json!(100_000_000)];
            args["max_bytes"] = bytes[self.rng.usize(0..bytes.len())].clone();
        }
        args
    }

    fn versions(&mut self, team: usize) -> Value {
        let mut args = json!({
            "team": format!("$team {team}"), "kind": self.pick(&["story", "plan", "adr"]),
            "id": self.pick(&["A", "B", "C", "D", "E-1"]),
        });
        if self.rng.bool() {
            args["with_content"] = [json!(true), json!(false), Value::Null][self.rng.usize(0..3)].clone();
        }
        if self.rng.u8(0..3) == 0 {
            args["max_rows"] = json!(self.rng.i32(-1..5));
        }
        if self.rng.u8(0..3) == 0 {
            args["before_version"] = json!(self.rng.i32(-1..6));
        }
        if self.rng.u8(0..3) == 0 {
            args["content_hash"] = json!(hash_of(&json!(self.pick(&["", "one\n", "two\n"]))));
        }
        args
    }

    fn membership(&mut self, team: usize) -> (&'static str, Value) {
        let who = self.rng.usize(0..PEOPLE);
        let team = format!("$team {team}");
        let newest = self.cast.invitations.len();
        let invitation =
            json!({ "invitation": format!("$invitation {}", self.rng.usize(newest / 2..=newest)) });
        let member = if self.rng.u8(0..10) == 0 { Value::Null } else { json!(format!("$person {who}")) };
        let roles = ["viewer", "editor", "editor", "approver", "admin", "owner", ""];
        let role = json!(self.pick(&roles));
        match self.rng.u8(0..23) {
            0..=4 => {
                let email = match self.rng.u8(0..12) {
                    0 => json!("nobody@example.com"),
                    1 => Value::Null,
                    2 => json!(self.pick(&["a", "a@", "a b@c", "a@b@c", ""])),
                    3..=5 => json!(format!("$EMAIL {who}")),
                    _ => json!(format!("$email {who}")),
                };
                ("invite_member", json!({ "team": team, "email": email, "role": role }))
            }
            5..=7 => ("accept_invitation", invitation),
            8 => ("decline_invitation", invitation),
            9 => ("revoke_invitation", invitation),
            10 => ("my_invitations", json!({})),
            11..=14 => ("set_member_role", json!({ "team": team, "member": member, "role": role })),
            15 => ("leave_team", json!({ "team": team })),
            16 | 17 => {
                let after = [json!(0), json!(7), json!(-1), Value::Null][self.rng.usize(0..4)].clone();
                let args = json!({
                    "team": team, "kind": self.pick(&["story", "plan", "No"]), "prefix": self.pick(&["E", "NEW", "e"]),
                    "after_number": after,
                });
                ("allocate_id", args)
            }
            18 => ("remove_team_member", json!({ "team": team, "member": member })),
            _ => {
                let texts = json!(self.pick(&["keep", "keep", "remove", "remove", "all"]));
                ("erase_author", json!({ "team": team, "member": member, "texts": texts }))
            }
        }
    }

    fn create(&mut self) -> Value {
        let names = [
            json!("Another"),
            json!(""),
            json!("   "),
            json!("ä".repeat(200)),
            json!("x".repeat(201)),
            Value::Null,
        ];
        json!({ "name": names[self.rng.usize(0..names.len())] })
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.rng.usize(0..from.len())]
    }
}

fn hash_of(content: &Value) -> Option<String> {
    content.as_str().map(|text| ContentHash::of(text.as_bytes()).to_string())
}

/// What is read in the end, by everybody: all there is and all there ever was.
pub(crate) fn closing(model: &ModelRemote, cast: &Cast) -> Vec<Step> {
    let mut steps = Vec::new();
    for (n, team) in cast.teams.iter().enumerate() {
        for me in 0..PEOPLE {
            let args = json!({ "team": format!("$team {n}"), "after_seq": 0, "max_bytes": 16_000_000 });
            steps.push(Step { me: Some(me), function: "pull_artifacts", args });
        }
        let keys: BTreeSet<_> = model.history(*team).iter().map(|revision| &revision.key).collect();
        for key in keys {
            let args = json!({
                "team": format!("$team {n}"), "kind": key.kind.as_str(), "id": key.id.as_str(), "with_content": true,
                "max_rows": 500,
            });
            steps.push(Step { me: Some(0), function: "artifact_versions", args });
            let args =
                json!({ "team": format!("$team {n}"), "kind": key.kind.as_str(), "id": key.id.as_str() });
            steps.push(Step { me: Some(1), function: "artifact_approvals", args });
        }
    }
    steps
}
