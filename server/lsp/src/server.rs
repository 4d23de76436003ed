//! The server's state, and the protocol's methods: each is one line into `handlers`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use agent_engine::Session;
use agent_engine::workspace::Workspace;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tower_lsp::jsonrpc::Result;
use tower_lsp::{Client as Peer, LanguageServer};

use crate::Options;
use crate::capabilities::{self, Client};
use crate::documents::Documents;
use crate::ending::Ending;
use crate::folders::{Folder, Folders, Place};
use crate::frames;
use crate::guard;
use crate::handlers;
use crate::presence::Presence;
use crate::publisher::{self, Dirty, Publisher};
use crate::status::Status;
use crate::types::{
    CodeActionParams, CodeActionResponse, CodeLens, CodeLensParams, CompletionParams, CompletionResponse,
    DidChangeTextDocumentParams, DidChangeWatchedFilesParams, DidChangeWorkspaceFoldersParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams,
    DocumentDiagnosticParams, DocumentDiagnosticReportResult, DocumentHighlight, DocumentHighlightParams,
    ExecuteCommandParams, Hover, HoverParams, InitializeParams, InitializeResult, InitializedParams, LSPAny,
    MessageType, ProgressToken, ServerInfo, Uri,
};

/// What all handlers share.
pub(crate) struct State {
    pub(crate) client: Peer,
    pub(crate) options: Options,
    ending: Ending,
    pub(crate) documents: Documents,
    pub(crate) folders: Folders,
    pub(crate) publisher: Publisher,
    dirty: std::sync::Mutex<Option<UnboundedReceiver<Dirty>>>,
    can: OnceLock<Client>,
    roots: RwLock<Vec<PathBuf>>,
    /// Folders whose session is being opened (a document may ask for its folder meanwhile), and
    /// whether their configuration was saved meanwhile.
    opening: std::sync::Mutex<BTreeMap<PathBuf, bool>>,
    progress: std::sync::Mutex<std::collections::HashMap<PathBuf, tokio::sync::oneshot::Sender<()>>>,
}

impl State {
    pub(crate) fn new(client: Peer, options: Options, ending: Ending) -> Self {
        let (publisher, dirty) = Publisher::new();
        Self {
            client,
            options,
            ending,
            documents: Documents::default(),
            folders: Folders::default(),
            publisher,
            dirty: std::sync::Mutex::new(Some(dirty)),
            can: OnceLock::new(),
            roots: RwLock::default(),
            opening: std::sync::Mutex::default(),
            progress: std::sync::Mutex::default(),
        }
    }

    /// What the client can do.
    pub(crate) fn client_can(&self) -> Client {
        self.can.get().copied().unwrap_or_default()
    }

    fn set_roots(&self, roots: Vec<PathBuf>) {
        *self.roots.write().unwrap_or_else(PoisonError::into_inner) = roots;
    }

    /// Starts publishing, once, and opens the folders the client named.
    fn start(self: &Arc<Self>) {
        let dirty = self.dirty.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(dirty) = dirty {
            tokio::spawn(publisher::run(Arc::clone(self), dirty));
        }
        let roots = self.roots.read().unwrap_or_else(PoisonError::into_inner).clone();
        for root in roots {
            self.open_folder(root);
        }
    }

    /// Opens a folder's session, off the protocol's task. A folder without a `sync.yaml` costs nothing: no
    /// database, no connection, nothing is watched.
    pub(crate) fn open_folder(self: &Arc<Self>, root: PathBuf) {
        if self.folders.has(&root) || !Workspace::at(&root).config_file().is_file() {
            return;
        }
        {
            let mut opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
            if opening.contains_key(&root) {
                return;
            }
            opening.insert(root.clone(), false);
        }
        let state = Arc::clone(self);
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || {
            let env = |name: &str| std::env::var(name).ok();
            let home = state.options.home.clone();
            match Session::open(Workspace::at(&root), home, &env, &state.options.client) {
                Ok(session) => {
                    let was_broken = state.folders.set_broken(&root, None);
                    state.add_folder(session, &runtime);
                    if was_broken {
                        state.publisher.status();
                    }
                }
                Err(error) => {
                    state.folders.set_broken(&root, Some(error.to_string()));
                    state.forget_folder(&root);
                    state.publisher.status();
                    let message = format!("{} is not synced: {error}", root.display());
                    let client = state.client.clone();
                    runtime.spawn(async move { client.show_message(MessageType::ERROR, message).await });
                }
            }
            let again = state.opening.lock().unwrap_or_else(PoisonError::into_inner).remove(&root);
            if again == Some(true) {
                let _inside = runtime.enter();
                state.reopen_folder(root);
            }
        });
    }

    /// Opens a folder's session anew, after its configuration changed.
    pub(crate) fn reopen_folder(self: &Arc<Self>, root: PathBuf) {
        let mut opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(again) = opening.get_mut(&root) {
            *again = true;
            return;
        }
        drop(opening);
        let Some(folder) = self.folders.remove(&root) else {
            if self.folders.set_broken(&root, None) {
                self.publisher.status();
            }
            return self.open_folder(root);
        };
        let state = Arc::clone(self);
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || {
            folder.handle.stop(crate::LAST_WORDS);
            let _inside = runtime.enter();
            if !folder.workspace.config_file().is_file() {
                return state.forget_folder(&root);
            }
            state.open_folder(root);
        });
    }

    /// A folder is synced no longer: nothing more is said of its documents.
    pub(crate) fn forget_folder(&self, root: &Path) {
        self.documents.forget_places(root);
        self.publisher.gone(root.to_owned());
    }

    fn add_folder(self: &Arc<Self>, session: Session, runtime: &tokio::runtime::Handle) {
        let workspace = session.workspace.clone();
        let kinds = session.config.kinds.clone();
        let (apply_when_open, scan) = (session.config.sync.apply_when_open, session.config.sync.scan);
        let auth = session.auth.clone();
        let (sender, mut notices) = unbounded_channel();
        let handle = agent_engine::start(session, runtime.clone(), sender);
        let folder = Arc::new(Folder { workspace, kinds, handle, apply_when_open, scan, auth });
        publisher::write_docs(&folder);
        self.folders.add(Arc::clone(&folder));
        for uri in self.documents.uris() {
            let place = self.folders.place(&uri);
            if let Some(place) = place.as_ref().filter(|place| Arc::ptr_eq(&place.folder, &folder)) {
                self.documents.set_place(&uri, Some(place.clone()));
                self.say_open(&uri, place);
            }
        }
        folder.handle.begin();
        let state = Arc::clone(self);
        runtime.spawn(async move {
            state.show_progress(&folder).await;
            while let Some(notice) = notices.recv().await {
                state.publisher.session(&folder, notice);
            }
        });
    }

    /// Says that a document is open. The client may close or open it at the same moment: what is
    /// said last must be how it is.
    fn say_open(&self, uri: &Uri, place: &Place) {
        let mut is_open = true;
        loop {
            match is_open {
                true => {
                    let text = self.documents.loaded(uri).unwrap_or_default();
                    place.folder.handle.opened(place.path.clone(), text);
                }
                false => place.folder.handle.closed(place.path.clone()),
            }
            let is_still = self.documents.get(uri).is_some();
            if is_still == is_open {
                return;
            }
            is_open = is_still;
        }
    }

    /// Shows that the first scan is under way, to clients that can show it.
    async fn show_progress(self: &Arc<Self>, folder: &Arc<Folder>) {
        if !self.client_can().progress {
            return;
        }
        let root = folder.workspace.root().to_owned();
        let (done, wait) = tokio::sync::oneshot::channel();
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).insert(root.clone(), done);
        let client = self.client.clone();
        tokio::spawn(async move {
            let token = ProgressToken::String(format!("agent-scan-{}", root.display()));
            if client.create_work_done_progress(token.clone()).await.is_err() {
                return;
            }
            let ongoing = client.progress(token, "agent: reading artifacts").begin().await;
            let _ = wait.await;
            ongoing.finish().await;
        });
    }

    /// The first scan of a folder is done.
    pub(crate) fn scanned(&self, folder: &Folder) {
        let root: &Path = folder.workspace.root();
        let done = self.progress.lock().unwrap_or_else(PoisonError::into_inner).remove(root);
        if let Some(done) = done {
            let _ = done.send(());
        }
    }
}

/// What the framework calls.
pub(crate) struct Backend {
    state: Arc<State>,
}

impl Backend {
    pub(crate) fn new(state: Arc<State>) -> Self {
        Self { state }
    }

    pub(crate) async fn status(&self) -> Result<Vec<Status>> {
        Ok(Status::all(&self.state.folders))
    }

    pub(crate) async fn presence(&self) -> Result<Vec<Presence>> {
        Ok(Presence::all(&self.state.folders, &self.state.documents))
    }

    pub(crate) async fn artifacts(&self) -> Result<Vec<handlers::FolderArtifacts>> {
        guard::request("artifacts", handlers::artifacts(&self.state)).await
    }

    pub(crate) async fn text(&self, params: handlers::TextParams) -> Result<handlers::TextAnswer> {
        guard::request("text", handlers::text(&self.state, params)).await
    }

    pub(crate) async fn hunks(&self, params: handlers::HunksParams) -> Result<handlers::HunksAnswer> {
        guard::request("hunks", async { handlers::hunks(&self.state, &params) }).await
    }

    pub(crate) async fn history(&self, params: handlers::HistoryParams) -> Result<Vec<handlers::Happened>> {
        guard::request("history", handlers::history(&self.state, &params)).await
    }

    /// A body that was no message.
    #[expect(clippy::unused_async, reason = "the framework calls only async methods")]
    pub(crate) async fn no_message(&self, is_json: bool) -> Result<()> {
        Err(frames::error_of(is_json))
    }
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let can = Client::of(&params.capabilities);
        let _ = self.state.can.set(can);
        self.state.set_roots(handlers::roots(&params));
        if let Some(process) = params.process_id {
            self.state.ending.follow(process);
        }
        Ok(InitializeResult {
            capabilities: capabilities::server(can),
            server_info: Some(ServerInfo {
                name: "agent".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
            ..InitializeResult::default()
        })
    }

    async fn initialized(&self, _: InitializedParams) {
        guard::notification("initialized", || self.state.start());
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        guard::notification("didOpen", || handlers::did_open(&self.state, params));
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        guard::notification("didChange", || handlers::did_change(&self.state, params));
    }

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        guard::notification("didSave", || handlers::did_save(&self.state, &params));
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        guard::notification("didClose", || handlers::did_close(&self.state, params));
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        guard::notification("didChangeWatchedFiles", || {
            handlers::did_change_watched_files(&self.state, &params)
        });
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        guard::notification("didChangeWorkspaceFolders", || {
            handlers::did_change_folders(&self.state, params)
        });
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        guard::request("codeAction", async { Ok(handlers::code_action(&self.state, &params)) }).await
    }

    async fn code_lens(&self, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
        guard::request("codeLens", async { Ok(handlers::code_lens(&self.state, &params)) }).await
    }

    async fn document_highlight(
        &self,
        params: DocumentHighlightParams,
    ) -> Result<Option<Vec<DocumentHighlight>>> {
        let at = params.text_document_position_params;
        guard::request("documentHighlight", async {
            handlers::seen_at(&self.state, &at.text_document.uri, at.position);
            Ok(None)
        })
        .await
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        guard::request("hover", async { Ok(handlers::hover(&self.state, &params)) }).await
    }

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        guard::request("completion", async { Ok(handlers::completion(&self.state, &params)) }).await
    }

    async fn diagnostic(&self, params: DocumentDiagnosticParams) -> Result<DocumentDiagnosticReportResult> {
        guard::request("diagnostic", async { Ok(handlers::diagnostic(&self.state, &params)) }).await
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> Result<Option<LSPAny>> {
        guard::request("executeCommand", handlers::execute_command(&self.state, params)).await
    }
}
