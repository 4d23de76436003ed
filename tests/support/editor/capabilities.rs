//! What an editor declares that it can do.

use serde_json::{Value, json};

use super::Encoding;

/// What a client can do. The default is what most editors declare, with everything the server can
/// use; each field takes something away or changes it.
#[derive(Debug, Clone)]
pub struct Capabilities {
    /// How columns are counted.
    pub encoding: Encoding,
    /// Edits may come with versions (`documentChanges`).
    pub versioned_edits: bool,
    /// The client asks for diagnostics instead of being sent them.
    pub pull: bool,
    /// Buttons on messages.
    pub buttons: bool,
    /// `$/progress`.
    pub progress: bool,
    /// `agent/status`.
    pub status: bool,
    /// `agent/presence`, and code lenses that can be asked for again.
    pub presence: bool,
    /// Related information on diagnostics.
    pub related_information: bool,
    /// Edits may move files.
    pub moves_files: bool,
    /// `window/showDocument`.
    pub shows_documents: bool,
    /// Code actions that are more than commands.
    pub action_literals: bool,
    /// The process that the server is told to end with, where it is not this one.
    pub parent: Option<u32>,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            encoding: Encoding::Utf16,
            versioned_edits: true,
            pull: false,
            buttons: true,
            progress: true,
            status: true,
            presence: true,
            related_information: true,
            moves_files: true,
            shows_documents: true,
            action_literals: true,
            parent: None,
        }
    }
}

impl Capabilities {
    pub(super) fn declared(&self) -> Value {
        let mut declared = json!({
            "workspace": {
                "applyEdit": true,
                "workspaceEdit": { "documentChanges": self.versioned_edits },
                "workspaceFolders": true,
            },
            "textDocument": {
                "synchronization": { "didSave": true },
                "publishDiagnostics": {
                    "relatedInformation": self.related_information,
                    "versionSupport": true,
                    "codeDescriptionSupport": true,
                },
                "codeAction": {
                    "codeActionLiteralSupport": { "codeActionKind": { "valueSet": ["quickfix"] } },
                    "dataSupport": true,
                },
                "hover": { "contentFormat": ["markdown"] },
            },
            "window": { "workDoneProgress": self.progress, "showDocument": { "support": self.shows_documents } },
            "experimental": { "agentStatus": self.status, "agentPresence": self.presence },
        });
        if !self.action_literals {
            declared["textDocument"]["codeAction"] = json!({});
        }
        if self.moves_files {
            declared["workspace"]["workspaceEdit"]["resourceOperations"] = json!(["rename"]);
        }
        match self.encoding {
            Encoding::Utf8 => declared["general"] = json!({ "positionEncodings": ["utf-16", "utf-8"] }),
            Encoding::Utf16 => {}
            Encoding::Utf32 => declared["general"] = json!({ "positionEncodings": ["utf-32"] }),
        }
        if self.pull {
            declared["textDocument"]["diagnostic"] = json!({ "dynamicRegistration": false });
            declared["workspace"]["diagnostics"] = json!({ "refreshSupport": true });
        }
        if self.presence {
            declared["workspace"]["codeLens"] = json!({ "refreshSupport": true });
        }
        if self.buttons {
            declared["window"]["showMessage"] =
                json!({ "messageActionItem": { "additionalPropertiesSupport": false } });
        }
        declared
    }
}
