//! A strict editor: the real `agent lsp` as a child process, spoken to as an editor would. It keeps
//! the text of every open document itself, applies the server's edits to it, and takes any message
//! that it did not ask for, or may not get, as a fault.

mod capabilities;
mod documents;
mod end;
mod incoming;
mod record;
mod text;
mod transport;

use std::collections::{HashMap, VecDeque};
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde_json::{Value, json};

pub use capabilities::Capabilities;
pub use text::Encoding;

use crate::wait::{PATIENCE, eventually};
use crate::workspace::Workspace;
use documents::Document;
use record::Record;
use transport::{Heard, Transport};

/// An error that the server answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcError {
    /// JSON-RPC's code.
    pub code: i64,
    /// For people.
    pub message: String,
}

type Answer = std::result::Result<Value, RpcError>;

/// One editor with one server.
#[derive(Debug)]
pub struct Editor {
    child: Child,
    transport: Transport,
    heard: Receiver<Heard>,
    record: Record,
    capabilities: Capabilities,
    root: url::Url,
    next_id: i64,
    answers: HashMap<i64, Answer>,
    documents: HashMap<String, Document>,
    /// What was published last, by address: the version it is for, and the list.
    published: HashMap<String, (Option<i32>, Vec<Value>)>,
    status: Option<Value>,
    presence: Option<Value>,
    messages: Vec<String>,
    refreshes: u64,
    /// The button to press when the server asks.
    choice: Option<String>,
    questions: Vec<String>,
    shown: VecDeque<String>,
    refuse_edits: bool,
    save_edits: bool,
    last_edit: Option<Value>,
    faults: Vec<String>,
    ended: bool,
}

impl Editor {
    /// Starts a server on a workspace, with what most editors can do.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn start(workspace: &Workspace) -> Result<Self> {
        Self::start_with(workspace, Capabilities::default())
    }

    /// Starts a server for a client that can do this.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn start_with(workspace: &Workspace, capabilities: Capabilities) -> Result<Self> {
        let mut command = workspace.command()?;
        command.arg("lsp");
        let (child, transport, heard, stderr) = transport::spawn(command)?;
        let root = url::Url::from_directory_path(workspace.root()).map_err(|()| anyhow!("no address"))?;
        let mut editor = Self {
            child,
            transport,
            heard,
            record: Record::new(stderr),
            capabilities,
            root,
            next_id: 0,
            answers: HashMap::new(),
            documents: HashMap::new(),
            published: HashMap::new(),
            status: None,
            presence: None,
            messages: Vec::new(),
            refreshes: 0,
            choice: None,
            questions: Vec::new(),
            shown: VecDeque::new(),
            refuse_edits: false,
            save_edits: false,
            last_edit: None,
            faults: Vec::new(),
            ended: false,
        };
        editor.initialize()?;
        Ok(editor)
    }

    fn initialize(&mut self) -> Result<()> {
        let root = self.root.as_str().trim_end_matches('/').to_owned();
        let answer = self.request(
            "initialize",
            json!({
                "processId": self.capabilities.parent.unwrap_or_else(std::process::id),
                "rootUri": root,
                "workspaceFolders": [{ "uri": root, "name": "project" }],
                "capabilities": self.capabilities.declared(),
            }),
        )?;
        let expected = self.capabilities.encoding.name();
        let encoding = answer["capabilities"]["positionEncoding"].as_str().unwrap_or("utf-16");
        ensure!(encoding == expected, "the server counts in {encoding}, not in {expected}");
        let pulls = !answer["capabilities"]["diagnosticProvider"].is_null();
        ensure!(pulls == self.capabilities.pull, "diagnosticProvider is offered to the wrong clients");
        self.notify("initialized", json!({}))
    }

    /// The server's process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Sends a request and waits for its answer; an error is a fault of the server.
    ///
    /// # Errors
    /// An error, or no answer.
    pub fn request(&mut self, method: &str, params: Value) -> Result<Value> {
        match self.call(method, params)? {
            Ok(result) => Ok(result),
            Err(error) => {
                self.fault(format!("{method} was answered with {error:?}"));
                bail!("{method}: {error:?}\n{}", self.record)
            }
        }
    }

    /// Sends a request that must be refused.
    ///
    /// # Errors
    /// When it is not, or not answered.
    pub fn request_refused(&mut self, method: &str, params: Value) -> Result<RpcError> {
        match self.call(method, params)? {
            Ok(result) => bail!("{method} should have been refused, and was answered {result}"),
            Err(error) => Ok(error),
        }
    }

    fn call(&mut self, method: &str, params: Value) -> Result<Answer> {
        let id = self.send_request(method, params)?;
        self.answer(id)
    }

    /// Sends a request without waiting; its answer is taken with [`Self::answer`].
    ///
    /// # Errors
    /// When the server is gone.
    pub fn send_request(&mut self, method: &str, params: Value) -> Result<i64> {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        Ok(id)
    }

    /// Waits for the answer to a request.
    ///
    /// # Errors
    /// When there is none.
    pub fn answer(&mut self, id: i64) -> Result<Answer> {
        let mut found = None;
        self.wait(&format!("the answer to request {id}"), |editor| {
            found = editor.answers.remove(&id);
            found.is_some()
        })?;
        found.context("an answer was seen and lost")
    }

    /// Sends a notification.
    ///
    /// # Errors
    /// When the server is gone.
    pub fn notify(&mut self, method: &str, params: Value) -> Result<()> {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    fn send(&mut self, message: &Value) -> Result<()> {
        self.record.sent(message);
        self.transport.send(message).with_context(|| format!("the server is gone\n{}", self.record))
    }

    /// Sends bytes as they are, framed or not.
    ///
    /// # Errors
    /// When the server is gone.
    pub fn send_raw(&mut self, bytes: &[u8]) -> Result<()> {
        self.record.note(&format!("raw: {}", String::from_utf8_lossy(bytes)));
        self.transport.send_raw(bytes).context("the server is gone")
    }

    /// Takes messages until the condition holds.
    ///
    /// # Errors
    /// When it never does; the message shows the whole conversation.
    pub fn wait(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        while !done(self) {
            let left = until.saturating_duration_since(Instant::now());
            match self.heard.recv_timeout(left) {
                Ok(heard) => self.take(heard)?,
                Err(RecvTimeoutError::Timeout) => bail!("waited in vain for {what}\n{}", self.record),
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("the server ended while waiting for {what}\n{}", self.record)
                }
            }
        }
        Ok(())
    }

    /// Takes what has arrived, without waiting.
    ///
    /// # Errors
    /// When the server cannot be answered.
    pub fn look(&mut self) -> Result<()> {
        while let Ok(heard) = self.heard.try_recv() {
            self.take(heard)?;
        }
        Ok(())
    }

    /// Takes messages until something holds that has a reason when it does not.
    ///
    /// # Errors
    /// When it never does, with the last reason.
    pub fn wait_for<T>(&mut self, what: &str, mut look: impl FnMut(&mut Self) -> Result<T>) -> Result<T> {
        let found = eventually(what, || {
            self.look()?;
            look(self)
        });
        found.with_context(|| self.record.to_string())
    }

    /// Waits until `agent/status` says so.
    ///
    /// # Errors
    /// When it never does.
    pub fn wait_status(&mut self, what: &str, done: impl Fn(&Value) -> bool) -> Result<()> {
        let what = format!("the status: {what}");
        self.wait(&what, |editor| editor.status.as_ref().is_some_and(&done))
    }

    /// Waits until `agent/presence` says so; nobody is there before it says anything.
    ///
    /// # Errors
    /// When it never does.
    pub fn wait_presence(&mut self, what: &str, done: impl Fn(&Value) -> bool) -> Result<()> {
        let nobody = json!({ "people": [] });
        let what = format!("presence: {what}");
        self.wait(&what, |editor| done(editor.presence.as_ref().unwrap_or(&nobody)))
    }

    /// The titles of a file's code lenses, with their lines.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn lenses(&mut self, path: &str) -> Result<Vec<(u64, String)>> {
        let uri = self.uri(path);
        let answer = self.request("textDocument/codeLens", json!({ "textDocument": { "uri": uri } }))?;
        let lens = |lens: &Value| {
            let line = lens["range"]["start"]["line"].as_u64()?;
            Some((line, lens["command"]["title"].as_str()?.to_owned()))
        };
        Ok(answer.as_array().into_iter().flatten().filter_map(lens).collect())
    }

    /// Waits until the live channel is joined and nothing is left to push or to take.
    ///
    /// # Errors
    /// When that never happens.
    pub fn wait_live(&mut self) -> Result<()> {
        self.wait_status("live and in sync", |status| status["live"] == true && status["state"] == "in-sync")
    }

    /// The newest status that was heard.
    pub fn status(&self) -> Value {
        self.status.clone().unwrap_or_default()
    }

    /// Waits for a message to the user, and takes it: the next call waits for another one.
    ///
    /// # Errors
    /// When it never comes.
    pub fn wait_message(&mut self, what: &str, fits: impl Fn(&str) -> bool) -> Result<String> {
        let mut found = None;
        self.wait(&format!("a message: {what}"), |editor| {
            let at = editor.messages.iter().position(|message| fits(message));
            found = at.map(|at| editor.messages.remove(at));
            found.is_some()
        })?;
        found.context("a message was seen and lost")
    }

    /// The messages to the user that nobody waited for.
    pub fn messages(&self) -> &[String] {
        &self.messages
    }

    /// Presses the button whose words begin so whenever the server asks something.
    pub fn choose(&mut self, button: &str) {
        self.choice = Some(button.to_owned());
    }

    /// What the server asked.
    pub fn questions(&self) -> &[String] {
        &self.questions
    }

    /// Refuses (or no longer refuses) every edit the server wants.
    pub fn refuse_edits(&mut self, refuse: bool) {
        self.refuse_edits = refuse;
    }

    /// Saves after each edit of the server, before answering that it is applied.
    pub fn save_edits(&mut self, save: bool) {
        self.save_edits = save;
    }

    /// The last edit that was asked for, as it came.
    pub fn last_edit(&self) -> Option<&Value> {
        self.last_edit.as_ref()
    }

    /// Faults so far; they also fail the test when the editor is dropped.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// Takes back the faults of a test that provokes them.
    pub fn forgive(&mut self) -> Vec<String> {
        std::mem::take(&mut self.faults)
    }

    /// The whole conversation.
    pub fn conversation(&self) -> String {
        self.record.to_string()
    }

    /// Every notification and request of the server, whole.
    pub fn heard(&self) -> &[String] {
        self.record.heard()
    }

    /// What the server said on its standard error.
    pub fn stderr(&self) -> String {
        self.record.stderr()
    }

    fn fault(&mut self, fault: String) {
        self.record.note(&format!("FAULT {fault}"));
        self.faults.push(fault);
    }
}
