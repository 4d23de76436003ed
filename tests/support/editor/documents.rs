//! Open documents and what a user does with them: type, save, look at diagnostics, choose actions.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::{Answer, Editor, text};

const BOM: &str = "\u{feff}";

#[derive(Debug)]
pub(super) struct Document {
    pub(super) version: i32,
    pub(super) text: String,
    file: PathBuf,
    /// The file begins with a byte order mark, which editors take off the text.
    has_bom: bool,
}

impl Editor {
    /// The address of an artifact's file.
    pub(super) fn uri(&self, path: &str) -> String {
        self.root.join(path).map_or_else(|_| path.to_owned(), |uri| uri.to_string())
    }

    /// Opens a file as it is on disk.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(&mut self, path: &str) -> Result<()> {
        let uri = self.uri(path);
        let file = url::Url::parse(&uri)?.to_file_path().ok().context("not a file")?;
        let disk = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let bare = disk.strip_prefix(BOM);
        let text = bare.unwrap_or(&disk).to_owned();
        let document = Document { version: 1, text: text.clone(), file, has_bom: bare.is_some() };
        self.documents.insert(uri.clone(), document);
        self.published.remove(&uri);
        let item = json!({ "uri": uri, "languageId": "markdown", "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": item }))
    }

    /// The text in the buffer.
    ///
    /// # Errors
    /// When it is not open.
    pub fn text(&self, path: &str) -> Result<String> {
        Ok(self.document(path)?.text.clone())
    }

    /// The document's version.
    ///
    /// # Errors
    /// When it is not open.
    pub fn version(&self, path: &str) -> Result<i32> {
        Ok(self.document(path)?.version)
    }

    fn document(&self, path: &str) -> Result<&Document> {
        self.documents.get(&self.uri(path)).with_context(|| format!("{path} is not open"))
    }

    /// Types: the first `old` in the buffer becomes `new`, as an incremental change.
    ///
    /// # Errors
    /// When it is not there.
    pub fn replace(&mut self, path: &str, old: &str, new: &str) -> Result<()> {
        let document = self.document(path)?;
        let start = document.text.find(old).with_context(|| format!("no {old:?} in {:?}", document.text))?;
        self.replace_at(path, start, start + old.len(), new)
    }

    /// Types: the bytes `start..end` of the buffer become `new`.
    ///
    /// # Errors
    /// When it is not open.
    pub fn replace_at(&mut self, path: &str, start: usize, end: usize, new: &str) -> Result<()> {
        let encoding = self.capabilities.encoding;
        let document = self.document(path)?;
        let at = |offset| text::position(&document.text, offset, encoding);
        let change = json!({ "range": { "start": at(start), "end": at(end) }, "text": new });
        let mut changed = document.text.clone();
        changed.replace_range(start..end, new);
        self.send_change(&self.uri(path), changed, vec![change])
    }

    /// Replaces the whole buffer.
    ///
    /// # Errors
    /// When it is not open.
    pub fn set_text(&mut self, path: &str, text: &str) -> Result<()> {
        self.send_change(&self.uri(path), text.to_owned(), vec![json!({ "text": text })])
    }

    pub(super) fn send_change(&mut self, uri: &str, text: String, changes: Vec<Value>) -> Result<()> {
        let document = self.documents.get_mut(uri).context("not open")?;
        document.version += 1;
        document.text = text;
        let document = json!({ "uri": uri, "version": document.version });
        self.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }))
    }

    /// Writes the buffer to its file and says so.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&mut self, path: &str) -> Result<()> {
        self.save_uri(&self.uri(path))
    }

    /// Saves as careful editors do: no other program ever sees a part of it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save_in_one_step(&mut self, path: &str) -> Result<()> {
        let uri = self.uri(path);
        let document = self.documents.get(&uri).context("not open")?;
        let beside = document.file.with_extension("swp");
        std::fs::write(&beside, &document.text)?;
        std::fs::rename(&beside, &document.file)?;
        self.notify("textDocument/didSave", json!({ "textDocument": { "uri": uri } }))
    }

    /// Takes the file's text into a buffer without changes of its own, as editors do when a file
    /// changes.
    ///
    /// # Errors
    /// When it is not open.
    pub fn reload(&mut self, path: &str) -> Result<()> {
        let disk = std::fs::read_to_string(&self.document(path)?.file)?;
        if self.document(path)?.text == disk { Ok(()) } else { self.set_text(path, &disk) }
    }

    /// Closes every document.
    ///
    /// # Errors
    /// When the server is gone.
    pub fn close_all(&mut self) -> Result<()> {
        for (uri, _) in std::mem::take(&mut self.documents) {
            self.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } }))?;
        }
        Ok(())
    }

    pub(super) fn save_uri(&mut self, uri: &str) -> Result<()> {
        let document = self.documents.get(uri).context("not open")?;
        let bom = if document.has_bom { BOM } else { "" };
        std::fs::write(&document.file, format!("{bom}{}", document.text))?;
        self.notify("textDocument/didSave", json!({ "textDocument": { "uri": uri } }))
    }

    /// Moves a document's file, as an editor's own rename does: what is unsaved moves along.
    pub(super) fn move_document(&mut self, from: &str, to: &str) -> Result<()> {
        let mut document = self.documents.remove(from).context("a move of a document that is not open")?;
        let file = url::Url::parse(to)?.to_file_path().ok().context("not a file")?;
        ensure!(!file.exists(), "a move over a file that is there: {}", file.display());
        std::fs::rename(&document.file, &file).with_context(|| file.display().to_string())?;
        document.file = file;
        document.version = 1;
        self.published.remove(to);
        self.notify("textDocument/didClose", json!({ "textDocument": { "uri": from } }))?;
        let item = json!({ "uri": to, "languageId": "markdown", "version": 1, "text": document.text });
        self.documents.insert(to.to_owned(), document);
        self.notify("textDocument/didOpen", json!({ "textDocument": item }))
    }

    /// Closes a document.
    ///
    /// # Errors
    /// When the server is gone.
    pub fn close(&mut self, path: &str) -> Result<()> {
        let uri = self.uri(path);
        self.documents.remove(&uri);
        self.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } }))
    }

    /// The diagnostics shown for a file now: those of the newest version, asked for by a client that
    /// asks. `None` while what was sent is older than the buffer.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn diagnostics(&mut self, path: &str) -> Result<Option<Vec<Value>>> {
        let uri = self.uri(path);
        let current = self.documents.get(&uri).map(|document| document.version);
        if self.capabilities.pull && current.is_some() {
            let params = json!({ "textDocument": { "uri": uri } });
            let answer = self.request("textDocument/diagnostic", params)?;
            ensure!(answer["kind"] == "full", "not a full report: {answer}");
            return Ok(answer["items"].as_array().cloned());
        }
        let known = self.published.get(&uri);
        let fresh = known.filter(|(version, _)| version.is_none() || *version == current);
        Ok(fresh.map(|(_, list)| list.clone()))
    }

    /// Waits until the file's diagnostics are so. An empty list counts, too, before anything was
    /// sent for a closed file.
    ///
    /// # Errors
    /// When they never are.
    pub fn wait_diagnostics(
        &mut self,
        path: &str,
        what: &str,
        fits: impl Fn(&[Value]) -> bool,
    ) -> Result<Vec<Value>> {
        let what = format!("diagnostics of {path}: {what}");
        if self.capabilities.pull {
            return self.wait_pulled(path, &what, &fits);
        }
        let is_open = self.documents.contains_key(&self.uri(path));
        let mut found = None;
        self.wait(&what, |editor| {
            let known = editor.diagnostics(path).ok().flatten().or((!is_open).then(Vec::new));
            found = known.filter(|list| fits(list));
            found.is_some()
        })?;
        found.context("diagnostics were seen and lost")
    }

    /// Asks, and again after each time the server says that something changed.
    fn wait_pulled(&mut self, path: &str, what: &str, fits: &dyn Fn(&[Value]) -> bool) -> Result<Vec<Value>> {
        loop {
            let heard = self.refreshes;
            let list = self.diagnostics(path)?.unwrap_or_default();
            if fits(&list) {
                return Ok(list);
            }
            self.wait(what, |editor| editor.refreshes > heard)?;
        }
    }

    /// Waits until the file has exactly these codes, in this order.
    ///
    /// # Errors
    /// When it never has.
    pub fn wait_codes(&mut self, path: &str, codes: &[&str]) -> Result<Vec<Value>> {
        // Beside what is said of the text, who else is there comes and goes.
        let is_about_people = codes.is_empty() || codes.contains(&"same-section");
        let counts = |diagnostic: &Value| is_about_people || diagnostic["code"] != "same-section";
        let mut list = self.wait_diagnostics(path, &format!("exactly {codes:?}"), |list| {
            list.iter()
                .filter(|diagnostic| counts(diagnostic))
                .map(|diagnostic| diagnostic["code"].as_str().unwrap_or_default())
                .eq(codes.iter().copied())
        })?;
        list.retain(counts);
        Ok(list)
    }

    /// The actions offered for a diagnostic.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn code_actions(&mut self, path: &str, diagnostic: &Value) -> Result<Vec<Value>> {
        let answer = self.request(
            "textDocument/codeAction",
            json!({
                "textDocument": { "uri": self.uri(path) },
                "range": diagnostic["range"],
                "context": { "diagnostics": [diagnostic], "triggerKind": 1 },
            }),
        )?;
        let offered = answer.as_array().cloned().unwrap_or_default();
        let is_command = |action: &Value| action["command"].is_string();
        if !self.capabilities.action_literals && !offered.iter().all(is_command) {
            self.fault(format!("an action that is no command: {answer}"));
        }
        Ok(offered)
    }

    /// The one action whose title begins so of those offered for the document as a whole.
    ///
    /// # Errors
    /// When there is none; the message lists what is offered.
    pub fn source_action(&mut self, path: &str, title: &str) -> Result<Value> {
        let start = json!({ "line": 0, "character": 0 });
        let answer = self.request(
            "textDocument/codeAction",
            json!({
                "textDocument": { "uri": self.uri(path) },
                "range": { "start": start, "end": start },
                "context": { "diagnostics": [], "only": ["source"] },
            }),
        )?;
        let offered = answer.as_array().cloned().unwrap_or_default();
        let titled = |action: &&Value| action["title"].as_str().is_some_and(|found| found.starts_with(title));
        match offered.iter().find(titled) {
            Some(action) => Ok(action.clone()),
            None => bail!("no action {title:?} in {answer}\n{}", self.conversation()),
        }
    }

    /// The one action for a diagnostic whose title begins so.
    ///
    /// # Errors
    /// When there is none; the message lists what is offered.
    pub fn action(&mut self, path: &str, diagnostic: &Value, title: &str) -> Result<Value> {
        let offered = self.code_actions(path, diagnostic)?;
        let titles: Vec<_> =
            offered.iter().map(|action| action["title"].as_str().unwrap_or_default()).collect();
        match titles.iter().position(|found| found.starts_with(title)) {
            Some(at) => Ok(offered[at].clone()),
            None => bail!("no action {title:?} among {titles:?}\n{}", self.conversation()),
        }
    }

    /// Does what an action says, and waits until it is done: its own edit is applied, or its command is
    /// answered, and the edit that follows is applied or refused.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn run(&mut self, action: &Value) -> Result<()> {
        if action["edit"].is_object() {
            return self.apply_workspace_edit(&action["edit"]);
        }
        self.request("workspace/executeCommand", command_of(action)).map(drop)
    }

    /// Does what an action says, and answers what the server says to it.
    ///
    /// # Errors
    /// When it says nothing.
    pub fn try_run(&mut self, action: &Value) -> Result<Answer> {
        let id = self.send_request("workspace/executeCommand", command_of(action))?;
        self.answer(id)
    }

    /// Runs the action whose title begins so, and waits for the buffer to change.
    ///
    /// # Errors
    /// When it is not offered, refused, or changes nothing.
    pub fn apply(&mut self, path: &str, diagnostic: &Value, title: &str) -> Result<()> {
        let action = self.action(path, diagnostic, title)?;
        self.run_edit(path, &action)
    }

    /// Does what an action says, and waits for the buffer to change.
    ///
    /// # Errors
    /// When it is refused, or changes nothing.
    pub fn run_edit(&mut self, path: &str, action: &Value) -> Result<()> {
        let before = self.version(path)?;
        self.run(action)?;
        self.wait(&format!("the edit of {}", action["title"]), |editor| {
            editor.version(path).is_ok_and(|version| version > before)
        })
    }

    /// Runs the action whose title begins so, which changes no text, and waits until the diagnostic
    /// it was for is gone.
    ///
    /// # Errors
    /// When it is not offered or refused, or the diagnostic stays.
    pub fn settle(&mut self, path: &str, diagnostic: &Value, title: &str) -> Result<()> {
        let action = self.action(path, diagnostic, title)?;
        self.run(&action)?;
        let gone = |list: &[Value]| list.iter().all(|other| other["message"] != diagnostic["message"]);
        self.wait_diagnostics(path, &format!("settled by {title:?}"), gone).map(drop)
    }

    /// The hover at a line's start.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn hover(&mut self, path: &str, line: u64) -> Result<Value> {
        let position = json!({ "line": line, "character": 0 });
        self.request(
            "textDocument/hover",
            json!({ "textDocument": { "uri": self.uri(path) }, "position": position }),
        )
    }

    /// The file the server showed last, once it does.
    ///
    /// # Errors
    /// When it shows none.
    pub fn wait_shown(&mut self) -> Result<PathBuf> {
        let uri = self.wait_address()?;
        url::Url::parse(&uri)?.to_file_path().ok().context("not a file")
    }

    /// Waits until the server shows something, in the editor or outside of it; answers its address.
    ///
    /// # Errors
    /// When it shows nothing.
    pub fn wait_address(&mut self) -> Result<String> {
        self.wait("something to be shown", |editor| !editor.shown.is_empty())?;
        self.shown.pop_front().context("nothing shown")
    }
}

/// An action's command; one that is nothing else has its words itself.
fn command_of(action: &Value) -> Value {
    match action["command"].is_string() {
        true => action.clone(),
        false => action["command"].clone(),
    }
}
