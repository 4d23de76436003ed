//! What the client can do, read once from `initialize`, and what this server offers it.

use agent_core::text::Encoding;

use crate::types::{
    ClientCapabilities, CodeActionKind, CodeActionOptions, CodeActionProviderCapability, CodeLensOptions,
    CompletionOptions, DiagnosticOptions, DiagnosticServerCapabilities, ExecuteCommandOptions,
    HoverProviderCapability, MarkupKind, OneOf, PositionEncodingKind, ResourceOperationKind, SaveOptions,
    ServerCapabilities, TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions,
    TextDocumentSyncSaveOptions, WorkspaceFoldersServerCapabilities, WorkspaceServerCapabilities,
};

/// What this client can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) encoding: Encoding,
    /// Edits may carry the version of the document they were made for.
    pub(crate) versioned_edits: bool,
    /// Edits may move files.
    pub(crate) moves_files: bool,
    /// The client can be told to ask for code lenses again.
    pub(crate) refreshes_lenses: bool,
    /// The client asks for diagnostics of open documents itself, and can be told to ask again. One
    /// that pulls but cannot be told (Neovim 0.11) would never see what others change: it gets them
    /// pushed.
    pub(crate) pulls_diagnostics: bool,
    /// Code actions may be more than commands.
    pub(crate) action_literals: bool,
    pub(crate) related_information: bool,
    /// Hovers may be in Markdown; Emacs without a mode for it cannot show that.
    pub(crate) markdown_hovers: bool,
    pub(crate) code_description: bool,
    pub(crate) progress: bool,
    pub(crate) show_document: bool,
    pub(crate) message_actions: bool,
    pub(crate) status: bool,
    pub(crate) presence: bool,
}

impl Default for Client {
    fn default() -> Self {
        Self::of(&ClientCapabilities::default())
    }
}

impl Client {
    pub(crate) fn of(declared: &ClientCapabilities) -> Self {
        let general = declared.general.as_ref();
        let offered = general.and_then(|general| general.position_encodings.as_deref());
        let document = declared.text_document.as_ref();
        let workspace = declared.workspace.as_ref();
        let window = declared.window.as_ref();
        let publish = document.and_then(|document| document.publish_diagnostics.as_ref());
        let edit = workspace.and_then(|workspace| workspace.workspace_edit.as_ref());
        let refresh = workspace.and_then(|workspace| workspace.diagnostics.as_ref());
        let experimental = declared.experimental.as_ref();
        Self {
            encoding: encoding(offered.unwrap_or_default()),
            versioned_edits: edit.and_then(|edit| edit.document_changes).unwrap_or(false),
            refreshes_lenses: workspace
                .and_then(|workspace| workspace.code_lens.as_ref()?.refresh_support)
                .unwrap_or(false),
            moves_files: edit
                .and_then(|edit| edit.resource_operations.as_ref())
                .is_some_and(|operations| operations.contains(&ResourceOperationKind::Rename)),
            pulls_diagnostics: document.is_some_and(|document| document.diagnostic.is_some())
                && refresh.and_then(|refresh| refresh.refresh_support).unwrap_or(false),
            action_literals: document
                .and_then(|document| document.code_action.as_ref())
                .is_some_and(|action| action.code_action_literal_support.is_some()),
            related_information: publish.and_then(|publish| publish.related_information).unwrap_or(false),
            markdown_hovers: document
                .and_then(|document| document.hover.as_ref()?.content_format.as_ref())
                .is_some_and(|formats| formats.contains(&MarkupKind::Markdown)),
            code_description: publish.and_then(|p| p.code_description_support).unwrap_or(false),
            progress: window.and_then(|window| window.work_done_progress).unwrap_or(false),
            show_document: window.is_some_and(|w| w.show_document.as_ref().is_some_and(|s| s.support)),
            message_actions: window.is_some_and(|window| window.show_message.is_some()),
            status: experimental.is_some_and(|more| more.get("agentStatus").is_some_and(|on| on == true)),
            presence: experimental.is_some_and(|more| more.get("agentPresence").is_some_and(|on| on == true)),
        }
    }
}

/// The cheapest encoding of those that are offered. UTF-16 is what every client has to know, unless it
/// offers others and not that one.
fn encoding(offered: &[PositionEncodingKind]) -> Encoding {
    let has = |kind| offered.contains(&kind);
    if has(PositionEncodingKind::UTF8) {
        return Encoding::Utf8;
    }
    let is_only_32 = has(PositionEncodingKind::UTF32) && !has(PositionEncodingKind::UTF16);
    if is_only_32 { Encoding::Utf32 } else { Encoding::Utf16 }
}

/// What this server offers a client.
pub(crate) fn server(client: Client) -> ServerCapabilities {
    let encoding = match client.encoding {
        Encoding::Utf8 => PositionEncodingKind::UTF8,
        Encoding::Utf16 => PositionEncodingKind::UTF16,
        Encoding::Utf32 => PositionEncodingKind::UTF32,
    };
    let sync = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::INCREMENTAL),
        save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions { include_text: Some(false) })),
        ..TextDocumentSyncOptions::default()
    };
    ServerCapabilities {
        position_encoding: Some(encoding),
        text_document_sync: Some(TextDocumentSyncCapability::Options(sync)),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        code_lens_provider: Some(CodeLensOptions { resolve_provider: Some(false) }),
        // It highlights nothing: editors ask for it wherever the cursor goes.
        document_highlight_provider: Some(OneOf::Left(true)),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QUICKFIX, CodeActionKind::SOURCE]),
            ..CodeActionOptions::default()
        })),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(vec![":".to_owned(), " ".to_owned()]),
            ..CompletionOptions::default()
        }),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: crate::apply::COMMANDS.iter().map(|&command| command.to_owned()).collect(),
            ..ExecuteCommandOptions::default()
        }),
        diagnostic_provider: client.pulls_diagnostics.then(|| {
            DiagnosticServerCapabilities::Options(DiagnosticOptions {
                identifier: Some("agent".to_owned()),
                ..DiagnosticOptions::default()
            })
        }),
        workspace: Some(WorkspaceServerCapabilities {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(OneOf::Left(true)),
            }),
            ..WorkspaceServerCapabilities::default()
        }),
        ..ServerCapabilities::default()
    }
}
