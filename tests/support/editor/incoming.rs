//! What the server sends: answers, notifications and requests, each checked and answered as a
//! strict client does.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::transport::Heard;
use super::{Editor, RpcError, text};

/// An address, the version it was made for, and text edits.
type DocumentEdit = (String, Option<i32>, Vec<Value>);

const METHOD_NOT_FOUND: i64 = -32601;

impl Editor {
    pub(super) fn take(&mut self, heard: Heard) -> Result<()> {
        let message = match heard {
            Heard::Message(message) => message,
            Heard::Garbage(garbage) => {
                self.fault(format!("no message: {garbage}"));
                return Ok(());
            }
        };
        self.record.received(&message);
        let method = message["method"].as_str().map(str::to_owned);
        match (method, message.get("id")) {
            (Some(method), Some(id)) => self.asked(&method, id.clone(), &message["params"]),
            (Some(method), None) => {
                self.told(&method, &message["params"]);
                Ok(())
            }
            (None, Some(id)) => {
                self.answered(id, &message);
                Ok(())
            }
            (None, None) => {
                self.fault(format!("neither method nor id: {message}"));
                Ok(())
            }
        }
    }

    fn answered(&mut self, id: &Value, message: &Value) {
        let known = id.as_i64().filter(|id| *id <= self.next_id && !self.answers.contains_key(id));
        let Some(id) = known else {
            self.fault(format!("an answer to nothing that was asked: {message}"));
            return;
        };
        let answer = match message.get("error") {
            Some(error) => Err(RpcError {
                code: error["code"].as_i64().unwrap_or(0),
                message: error["message"].as_str().unwrap_or_default().to_owned(),
            }),
            None => Ok(message["result"].clone()),
        };
        self.answers.insert(id, answer);
    }

    fn told(&mut self, method: &str, params: &Value) {
        let allowed = match method {
            "textDocument/publishDiagnostics" => self.published(params),
            "window/showMessage" => {
                self.messages.push(params["message"].as_str().unwrap_or_default().to_owned());
                true
            }
            "window/logMessage" => true,
            "$/progress" => self.capabilities.progress,
            "agent/presence" => {
                self.presence = Some(params.clone());
                self.capabilities.presence
            }
            "agent/status" => {
                self.status = Some(params.clone());
                self.capabilities.status
            }
            _ => method.starts_with("$/"),
        };
        if !allowed {
            self.fault(format!("a notification that this client did not ask for: {method} {params}"));
        }
    }

    fn published(&mut self, params: &Value) -> bool {
        let uri = params["uri"].as_str().unwrap_or_default().to_owned();
        let version = params["version"].as_i64().and_then(|version| i32::try_from(version).ok());
        let list = params["diagnostics"].as_array().cloned().unwrap_or_default();
        let no_related = |diagnostic: &Value| diagnostic["relatedInformation"].is_null();
        if !self.capabilities.related_information && !list.iter().all(no_related) {
            self.fault(format!("related information for a client without it: {params}"));
        }
        let current = self.documents.get(&uri).map(|document| document.version);
        if version.is_some_and(|version| current.is_some_and(|current| version > current)) {
            self.fault(format!("diagnostics for a version that does not exist: {params}"));
        }
        self.published.insert(uri, (version, list));
        true
    }

    fn asked(&mut self, method: &str, id: Value, params: &Value) -> Result<()> {
        let result = match method {
            "workspace/applyEdit" => self.apply_edit(params),
            "window/showMessageRequest" if self.capabilities.buttons => {
                self.questions.push(params["message"].as_str().unwrap_or_default().to_owned());
                let actions = params["actions"].as_array().cloned().unwrap_or_default();
                let is_chosen = |title: &str| self.choice.as_ref().is_some_and(|c| title.starts_with(&**c));
                let chosen =
                    actions.into_iter().find(|action| action["title"].as_str().is_some_and(is_chosen));
                Ok(chosen.unwrap_or(Value::Null))
            }
            "window/workDoneProgress/create" if self.capabilities.progress => Ok(Value::Null),
            "workspace/diagnostic/refresh" if self.capabilities.pull => {
                self.refreshes += 1;
                Ok(Value::Null)
            }
            "workspace/codeLens/refresh" if self.capabilities.presence => Ok(Value::Null),
            "window/showDocument" if self.capabilities.shows_documents => {
                self.shown.push_back(params["uri"].as_str().unwrap_or_default().to_owned());
                Ok(json!({ "success": true }))
            }
            _ => {
                self.fault(format!("a request that this client does not know: {method} {params}"));
                Err(json!({ "code": METHOD_NOT_FOUND, "message": "method not found" }))
            }
        };
        let answer = match result {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            Err(error) => json!({ "jsonrpc": "2.0", "id": id, "error": error }),
        };
        self.send(&answer)
    }

    fn apply_edit(&mut self, params: &Value) -> std::result::Result<Value, Value> {
        let edit = &params["edit"];
        self.last_edit = Some(edit.clone());
        if self.refuse_edits {
            return Ok(json!({ "applied": false, "failureReason": "the document is locked" }));
        }
        match self.apply_workspace_edit(edit) {
            Ok(()) => Ok(json!({ "applied": true })),
            Err(error) => Ok(json!({ "applied": false, "failureReason": format!("{error:#}") })),
        }
    }

    pub(super) fn apply_workspace_edit(&mut self, edit: &Value) -> Result<()> {
        if let Some(rename) = edit["documentChanges"].get(0).filter(|change| change["kind"] == "rename") {
            if !self.capabilities.moves_files {
                self.fault(format!("a move for a client that moves no files: {edit}"));
            }
            let uri = |side: &str| rename[side].as_str().map(str::to_owned).context("a move without address");
            return self.move_document(&uri("oldUri")?, &uri("newUri")?);
        }
        for (uri, version, edits) in self.document_edits(edit)? {
            let encoding = self.capabilities.encoding;
            let Some(document) = self.documents.get(&uri) else {
                bail!("an edit of a document that is not open: {uri}");
            };
            if version.is_some_and(|version| version != document.version) {
                // A race with the user, which the version is there to catch; no fault.
                bail!("made for version {version:?}, and this is {}", document.version);
            }
            let text = match text::apply(&document.text, &edits, encoding) {
                Ok(text) => text,
                Err(error) => {
                    self.fault(format!("an edit that does not fit: {error:#}"));
                    return Err(error);
                }
            };
            // As editors do: one change event with the same ranges, last first.
            let mut changes = edits;
            changes.sort_by_key(|edit| {
                let start = &edit["range"]["start"];
                std::cmp::Reverse((start["line"].as_u64(), start["character"].as_u64()))
            });
            let changes: Vec<Value> = changes
                .iter()
                .map(|edit| json!({ "range": edit["range"], "text": edit["newText"] }))
                .collect();
            self.send_change(&uri, text, changes)?;
            if self.save_edits {
                self.save_uri(&uri)?;
            }
        }
        Ok(())
    }

    fn document_edits(&mut self, edit: &Value) -> Result<Vec<DocumentEdit>> {
        let has_versions = edit.get("documentChanges").is_some();
        if has_versions != self.capabilities.versioned_edits {
            self.fault(format!("the wrong kind of edit for this client: {edit}"));
        }
        let mut all = Vec::new();
        for change in edit["documentChanges"].as_array().into_iter().flatten() {
            let document = &change["textDocument"];
            let uri = document["uri"].as_str().context("an edit without an address")?;
            let version = document["version"].as_i64().context("an edit without a version")?;
            let edits = change["edits"].as_array().cloned().context("no edits")?;
            all.push((uri.to_owned(), Some(i32::try_from(version)?), edits));
        }
        for (uri, edits) in edit["changes"].as_object().into_iter().flatten() {
            all.push((uri.clone(), None, edits.as_array().cloned().context("no edits")?));
        }
        ensure!(!all.is_empty(), "an edit of nothing: {edit}");
        Ok(all)
    }
}
