//! Sessions on a database that has the project's migrations and nothing in front of it: for tests that
//! call its functions more often than HTTP allows, or truly at the same time.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::binary::project;
use crate::npm;
use crate::wait::PATIENCE;

type Result<T, E = anyhow::Error> = std::result::Result<T, E>;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// PostgreSQL in this process's child: a single session, always there.
    Pglite,
    /// A database of its own on `TEST_DATABASE_URL`, or on 127.0.0.1:5432.
    Postgres,
}

/// What the database refuses with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Refused {
    /// The SQLSTATE.
    #[serde(default)]
    pub code: String,
    /// For people.
    pub message: String,
}

/// A function as one session calls it.
#[derive(Debug, Clone)]
pub struct Call {
    /// Which session, counted from 0. Calls of one session follow each other.
    pub session: usize,
    /// Who is signed in.
    pub me: Option<Uuid>,
    /// The function's name.
    pub function: String,
    /// Its arguments by name.
    pub args: Value,
}

/// A prepared database and the sessions on it. Dropping it removes the database.
#[derive(Debug)]
pub struct Sessions {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    asked: u64,
}

#[derive(Deserialize)]
struct Answer {
    id: u64,
    #[serde(default)]
    value: Value,
    error: Option<Refused>,
}

impl Sessions {
    /// Prepares a database with so many sessions; PGlite has one, which all share. The inner
    /// error says why there is no PostgreSQL here, when none was asked for by `TEST_DATABASE_URL`.
    ///
    /// # Errors
    /// Without Node.js, or when it does not start.
    pub fn open(database: Database, sessions: usize) -> Result<Result<Self, String>> {
        let folder = project().join("supabase/dev");
        npm::install(&folder, &mut |_| {})?;
        let kind = match database {
            Database::Pglite => "pglite",
            Database::Postgres => "postgres",
        };
        let mut child = Command::new("node")
            .args(["test/support/sessions.js", kind, &sessions.to_string()])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("node does not start; Node.js 20 or newer is needed")?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("the sessions have no output")?;
        // Read all the time, so that neither side waits for the other to read.
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let sessions = Self { child, stdin, lines, asked: 0 };
        let first: Value = serde_json::from_str(&sessions.line()?)?;
        match first["unreachable"].as_str() {
            Some(why) => Ok(Err(why.to_owned())),
            None => Ok(Ok(sessions)),
        }
    }

    /// Gives somebody an account.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn sign_up(&mut self, user: Uuid, email: &str) -> Result<()> {
        self.script(&format!(
            "insert into auth.users (id, email, email_confirmed_at) values ('{user}', '{email}', now())"
        ))
    }

    /// Calls one function in the first session.
    ///
    /// # Errors
    /// When the database is gone. What it refuses is the inner error.
    pub fn call(&mut self, me: Option<Uuid>, function: &str, args: &Value) -> Result<Result<Value, Refused>> {
        let call = Call { session: 0, me, function: function.to_owned(), args: args.clone() };
        let mut answers = self.call_all(&[call])?;
        answers.pop().context("one call has one answer")
    }

    /// Calls all of these at once, each in its session, and waits for every answer.
    ///
    /// # Errors
    /// When one has no answer.
    pub fn call_all(&mut self, calls: &[Call]) -> Result<Vec<Result<Value, Refused>>> {
        let first = self.asked + 1;
        for call in calls {
            let Call { session, me, function, args } = call;
            // As text, because JavaScript rounds numbers.
            self.ask(json!({ "session": session, "as": me.map(|me| me.to_string()), "call": function, "args": args.to_string() }))?;
        }
        let mut answers = HashMap::new();
        while answers.len() < calls.len() {
            let answer: Answer = serde_json::from_str(&self.line()?)?;
            answers.insert(answer.id, answer.error.map_or_else(|| refused(answer.value), Err));
        }
        let in_order = (first..).take(calls.len()).map(|id| answers.remove(&id));
        in_order.collect::<Option<_>>().context("an answer to no question")
    }

    /// What an expression says, as the superuser.
    ///
    /// # Errors
    /// When the database refuses it.
    pub fn query(&mut self, expression: &str) -> Result<Value> {
        self.as_superuser("query", expression)
    }

    /// Runs statements as the superuser.
    ///
    /// # Errors
    /// When the database refuses one.
    pub fn script(&mut self, statements: &str) -> Result<()> {
        self.as_superuser("script", statements).map(drop)
    }

    fn as_superuser(&mut self, what: &str, text: &str) -> Result<Value> {
        self.ask(json!({ "session": 0, what: text }))?;
        let answer: Answer = serde_json::from_str(&self.line()?)?;
        match answer.error {
            Some(Refused { code, message }) => bail!("{code} {message}: {text}"),
            None => Ok(answer.value),
        }
    }

    fn ask(&mut self, mut request: Value) -> Result<()> {
        self.asked += 1;
        request["id"] = json!(self.asked);
        let stdin = self.stdin.as_mut().context("the sessions have ended")?;
        writeln!(stdin, "{request}").context("the sessions have ended")
    }

    /// Megabytes take their time on a loaded machine.
    fn line(&self) -> Result<String> {
        self.lines.recv_timeout(PATIENCE * 5).context("the database does not answer")
    }
}

/// A function that keeps a trace of what it refuses answers the refusal instead of raising it.
fn refused(value: Value) -> Result<Value, Refused> {
    let is_refusal = |fields: &serde_json::Map<String, Value>| {
        fields.keys().map(String::as_str).eq(["code", "details", "hint", "message"])
    };
    match value.as_object().is_some_and(is_refusal) {
        true => Err(serde_json::from_value(value).unwrap_or_default()),
        false => Ok(value),
    }
}

impl Drop for Sessions {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}
