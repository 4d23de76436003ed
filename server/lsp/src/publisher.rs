//! One task that publishes diagnostics, latest wins per document: it gathers what became dirty,
//! computes each once from the newest state, and sends it with the version it belongs to. It also
//! passes on the session's notices.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use agent_core::id::ArtifactPath;
use agent_core::presence::SectionName;
use agent_core::secrets::{Response, RuleSet, ScanPolicy};
use agent_core::sync::next::{Next, Waits};
use agent_engine::resolve::Ask;
use agent_engine::{Notice, now};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::apply;
use crate::compare;
use crate::create;
use crate::diagnostics::{self, Context};
use crate::findings;
use crate::folders::{Folder, Place, file_of};
use crate::hunks::Hunks;
use crate::presence::{self, Presence, PresenceNotification};
use crate::server::State;
use crate::states::{self, Standing};
use crate::status::{Status, StatusNotification};
use crate::types::{Diagnostic, MessageActionItem, MessageType, Uri};

/// What became dirty.
pub(crate) enum Dirty {
    Document(Uri),
    Resolved(Uri),
    Seen(Uri),
    Closed(Uri),
    Session(Arc<Folder>, Notice),
    Gone(PathBuf),
    Status,
}

/// Where to say that something became dirty. Never waits.
#[derive(Clone)]
pub(crate) struct Publisher(UnboundedSender<Dirty>);

impl Publisher {
    pub(crate) fn new() -> (Self, UnboundedReceiver<Dirty>) {
        let (sender, receiver) = unbounded_channel();
        (Self(sender), receiver)
    }

    /// The document's text changed, or something it is compared with.
    pub(crate) fn document(&self, uri: Uri) {
        self.send(Dirty::Document(uri));
    }

    /// Something was decided about the document, which a client that pulls cannot know.
    pub(crate) fn resolved(&self, uri: Uri) {
        self.send(Dirty::Resolved(uri));
    }

    /// Somebody is somewhere else in the document.
    pub(crate) fn seen(&self, uri: Uri) {
        self.send(Dirty::Seen(uri));
    }

    /// The document is closed.
    pub(crate) fn closed(&self, uri: Uri) {
        self.send(Dirty::Closed(uri));
    }

    /// The session has news.
    pub(crate) fn session(&self, folder: &Arc<Folder>, notice: Notice) {
        self.send(Dirty::Session(Arc::clone(folder), notice));
    }

    /// The folder is synced no longer.
    pub(crate) fn gone(&self, root: PathBuf) {
        self.send(Dirty::Gone(root));
    }

    /// What there is to say of the folders changed by other things than their sessions.
    pub(crate) fn status(&self) {
        self.send(Dirty::Status);
    }

    fn send(&self, dirty: Dirty) {
        // The task is gone only while the process ends.
        let _ = self.0.send(dirty);
    }
}

/// Runs until the server ends.
pub(crate) async fn run(state: Arc<State>, mut dirty: UnboundedReceiver<Dirty>) {
    let mut desk = Desk {
        state,
        published: HashMap::new(),
        spelled: HashMap::new(),
        asked: BTreeSet::new(),
        sections: HashMap::new(),
    };
    let mut gathered = Vec::new();
    while dirty.recv_many(&mut gathered, 256).await > 0 {
        let mut documents = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let (mut refresh, mut decided) = (false, false);
        for item in gathered.drain(..) {
            match item {
                Dirty::Document(uri) | Dirty::Closed(uri) => {
                    seen.insert(uri.clone());
                    documents.insert(uri);
                }
                Dirty::Seen(uri) => drop(seen.insert(uri)),
                Dirty::Resolved(uri) => {
                    documents.insert(uri);
                    (refresh, decided) = (true, true);
                }
                Dirty::Gone(root) => {
                    documents.extend(desk.shown_in(&root));
                    refresh = true;
                }
                Dirty::Status => desk.all_status().await,
                Dirty::Session(folder, notice) => {
                    refresh |= desk.session(&folder, notice, &mut documents).await;
                }
            }
        }
        documents.extend(seen.into_iter().filter(|uri| desk.moved_on(uri)));
        for uri in documents {
            desk.publish(uri).await;
        }
        if refresh {
            desk.refresh();
        }
        if decided {
            desk.refresh_lenses();
        }
    }
}

struct Desk {
    state: Arc<State>,
    /// What the client shows, by address: empty lists are not repeated.
    published: HashMap<String, Vec<Diagnostic>>,
    /// How the client spells an address, where it does so in its own way: by this server's spelling.
    spelled: HashMap<String, Uri>,
    /// Deletions somebody was asked about, with the remote version.
    asked: BTreeSet<(String, u64)>,
    /// The section that is worked in, by the document's address.
    sections: HashMap<String, Option<SectionName>>,
}

impl Desk {
    /// Answers whether the client should ask for diagnostics again.
    async fn session(&mut self, folder: &Arc<Folder>, notice: Notice, dirty: &mut BTreeSet<Uri>) -> bool {
        match notice {
            Notice::Changed(paths) => {
                self.learn_spellings(folder).await;
                for path in &paths {
                    let Some(uri) = self.address(folder, path.as_str()) else { continue };
                    self.situation(folder, path, &uri);
                    dirty.insert(uri);
                }
                if dirty.iter().any(|uri| self.state.documents.get(uri).is_some()) {
                    self.refresh_lenses();
                }
                return true;
            }
            Notice::Problems(paths) => {
                self.learn_spellings(folder).await;
                dirty.extend(paths.iter().filter_map(|path| self.address(folder, path)));
                return true;
            }
            Notice::Link => self.status(folder).await,
            Notice::Warning(text) => self.state.client.show_message(MessageType::WARNING, text).await,
            Notice::Rules => {
                dirty.extend(self.state.documents.of_folder(folder).into_iter().map(|(_, uri)| uri));
                self.refresh_lenses();
                return true;
            }
            Notice::Renumber(replaced) => {
                self.learn_spellings(folder).await;
                if let Some(uri) = self.address(folder, replaced.path.as_str()) {
                    create::renumber(&self.state, &uri, replaced);
                }
            }
            Notice::Scanned => self.state.scanned(folder),
            Notice::Presence => {
                dirty.extend(self.state.documents.of_folder(folder).into_iter().map(|(_, uri)| uri));
                self.presence(folder).await;
                return true;
            }
        }
        false
    }

    /// The address of a file of a folder, as the client spells it.
    fn address(&self, folder: &Folder, path: &str) -> Option<Uri> {
        let uri = folder.uri(path)?;
        Some(self.spelled.get(uri.as_str()).cloned().unwrap_or(uri))
    }

    async fn learn_spellings(&mut self, folder: &Arc<Folder>) {
        for (path, uri) in self.state.documents.of_folder(folder) {
            let Some(own) = folder.uri(path.as_str()) else { continue };
            if own == uri {
                self.spelled.remove(own.as_str());
            } else if self.spelled.insert(own.as_str().to_owned(), uri).is_none()
                && self.published.remove(own.as_str()).is_some()
            {
                self.state.client.publish_diagnostics(own, Vec::new(), None).await;
            }
        }
    }

    /// What the client shows of a folder.
    fn shown_in(&self, root: &Path) -> Vec<Uri> {
        let shown = self.published.keys().filter_map(|uri| uri.parse().ok());
        shown.filter(|uri| file_of(uri).is_some_and(|file| file.starts_with(root))).collect()
    }

    async fn status(&self, folder: &Folder) {
        self.send_status(vec![Status::of(folder)]).await;
    }

    async fn presence(&self, folder: &Arc<Folder>) {
        if self.state.client_can().presence {
            let presence = Presence::of(folder, &self.state.documents);
            self.state.client.send_notification::<PresenceNotification>(presence).await;
        }
        self.refresh_lenses();
    }

    /// Says which section is worked in; answers whether what the document shows depends on it and it
    /// is another one.
    fn moved_on(&mut self, uri: &Uri) -> bool {
        let document = self.state.documents.get(uri);
        let Some((document, place)) =
            document.as_ref().and_then(|d| d.place.as_ref().map(|place| (d, place)))
        else {
            self.sections.remove(uri.as_str());
            return false;
        };
        if document.cursor.is_none() {
            return false;
        }
        let section = presence::section_of(document);
        place.folder.handle.seen_in(place.path.clone(), section.clone());
        let before = self.sections.insert(uri.as_str().to_owned(), section.clone());
        before != Some(section) && !place.folder.handle.views().people().is_empty()
    }

    async fn all_status(&self) {
        self.send_status(Status::all(&self.state.folders)).await;
    }

    async fn send_status(&self, all: Vec<Status>) {
        if !self.state.client_can().status {
            return;
        }
        for status in all {
            self.state.client.send_notification::<StatusNotification>(status).await;
        }
    }

    /// What the server does of itself in some situations: taking a revision where that is
    /// configured, asking about a deletion, which has no document to show it in.
    fn situation(&mut self, folder: &Arc<Folder>, path: &ArtifactPath, uri: &Uri) {
        let Some(view) = folder.handle.views().get(path) else { return };
        match view.next {
            Next::Wait(Waits::DeletedHere) => self.ask_about_deletion(folder, &view),
            Next::Wait(Waits::Behind) if folder.apply_when_open => {
                let Some(document) = self.state.documents.get(uri) else { return };
                let Some(hunks) = Hunks::of_document(&document) else { return };
                // What was taken back stays so until somebody says otherwise.
                if hunks.is_saved && !hunks.is_edited() && !view.entry.undone {
                    apply::take_all(&self.state, document, hunks);
                }
            }
            _ => {}
        }
    }

    fn ask_about_deletion(&mut self, folder: &Arc<Folder>, view: &agent_engine::View) {
        let entry = &view.entry;
        let is_new = self.asked.insert((entry.path.as_str().to_owned(), entry.remote_version().0));
        if !is_new || !self.state.client_can().message_actions {
            return;
        }
        let question = format!(
            "You deleted {} ({}), but {} changed it meanwhile (version {}).",
            entry.path,
            entry.key,
            diagnostics::author(view),
            entry.remote_version().0
        );
        let ask = |take| Ask {
            key: entry.key.clone(),
            take,
            seen: Some((entry.base, entry.remote_version())),
            even_open: true,
        };
        use agent_core::sync::resolve::Take::{WholeLocal, WholeRemote};
        let choices = [("Restore it", ask(WholeRemote)), ("Delete it there too", ask(WholeLocal))];
        let items = choices.iter().map(|(title, _)| message_item(title)).collect();
        let (client, folder) = (self.state.client.clone(), Arc::clone(folder));
        tokio::spawn(async move {
            let answer = client.show_message_request(MessageType::WARNING, question, Some(items)).await;
            let Ok(Some(chosen)) = answer else { return };
            let choice = choices.into_iter().find(|(title, _)| *title == chosen.title);
            let Some((_, ask)) = choice else { return };
            let runtime = tokio::runtime::Handle::current();
            folder.handle.resolve(ask, move |answer| {
                if let Err(error) = answer {
                    runtime.spawn(async move { client.show_message(MessageType::ERROR, error).await });
                }
            });
        });
    }

    async fn publish(&mut self, uri: Uri) {
        let client = self.state.client_can();
        let document = self.state.documents.get(&uri);
        let (version, diagnostics) = match &document {
            // The client asks for these itself.
            Some(_) if client.pulls_diagnostics => (None, Vec::new()),
            Some(document) => (Some(document.version), of_document(&self.state, &uri)),
            None => (None, of_closed(&self.state, &uri)),
        };
        let known = self.published.get(uri.as_str());
        if version.is_none() && known.map_or(diagnostics.is_empty(), |known| *known == diagnostics) {
            return;
        }
        match diagnostics.is_empty() {
            true => self.published.remove(uri.as_str()),
            false => self.published.insert(uri.as_str().to_owned(), diagnostics.clone()),
        };
        self.state.client.publish_diagnostics(uri, diagnostics, version).await;
    }

    /// Code lenses are asked for once per version; what they say depends on more.
    fn refresh_lenses(&self) {
        if !self.state.client_can().refreshes_lenses {
            return;
        }
        let client = self.state.client.clone();
        tokio::spawn(async move {
            if let Err(error) = client.code_lens_refresh().await {
                tracing::debug!(%error, "code lens refresh");
            }
        });
    }

    fn refresh(&self) {
        let can = self.state.client_can();
        if !can.pulls_diagnostics {
            return;
        }
        let client = self.state.client.clone();
        tokio::spawn(async move {
            if let Err(error) = client.workspace_diagnostic_refresh().await {
                tracing::debug!(%error, "diagnostic refresh");
            }
        });
    }
}

pub(crate) fn message_item(title: &str) -> MessageActionItem {
    MessageActionItem { title: title.to_owned(), properties: std::collections::HashMap::default() }
}

/// The diagnostics of an open document, from its newest text and the newest picture.
pub(crate) fn of_document(state: &State, uri: &Uri) -> Vec<Diagnostic> {
    let Some(document) = state.documents.get(uri) else { return Vec::new() };
    let Some(place) = &document.place else { return Vec::new() };
    with_context(state, uri, place, |context| {
        let Some(view) = &document.view else { return Vec::new() };
        let hunks = Hunks::of_document(&document);
        let scan = place.folder.scan;
        let mut all = diagnostics::of_artifact(context, view, hunks.as_ref(), &document.text, scan);
        let rules = place.folder.handle.views().rules();
        let standing = Standing::of(&document, &rules);
        all.extend(standing.map(|standing| standing.diagnostics(context)).unwrap_or_default());
        all.extend(states::provisional(context, &document));
        all.extend(presence::same_section(context, &document));
        all
    })
}

/// Looks for nothing.
const NOTHING: ScanPolicy =
    ScanPolicy { secrets: Response::Off, personal: Response::Off, allowed: RuleSet::NONE };

fn of_closed(state: &State, uri: &Uri) -> Vec<Diagnostic> {
    let Some(place) = state.folders.place(uri) else { return Vec::new() };
    with_context(state, uri, &place, |context| {
        let Some(view) = place.view() else { return Vec::new() };
        if view.next == Next::Wait(Waits::DeletedHere) {
            return vec![diagnostics::deleted_here(context, &view)];
        }
        let hunks = Hunks::of_file(Arc::clone(&view));
        let held = view.local.as_deref().filter(|_| findings::is_held(&view));
        let text = hunks.as_ref().map_or(held.unwrap_or_default(), |hunks| &*hunks.local);
        // What is about to be written needs nobody's attention.
        let shown = matches!(view.next, Next::Wait(_)).then_some(hunks.as_ref()).flatten();
        // What closed files hold that nobody works on is looked into when it is to be pushed.
        let scan = if held.is_some() { place.folder.scan } else { NOTHING };
        diagnostics::of_artifact(context, &view, shown, text, scan)
    })
}

fn with_context(
    state: &State,
    uri: &Uri,
    place: &Place,
    of_artifact: impl FnOnce(&Context<'_>) -> Vec<Diagnostic>,
) -> Vec<Diagnostic> {
    let views = place.folder.handle.views();
    let link = views.link();
    let docs = place.folder.workspace.views().join("diagnostics.md");
    let context =
        Context { client: state.client_can(), uri, docs: Uri::from_file_path(docs), now: now(), link: &link };
    let mut all = of_artifact(&context);
    let problem = views.problems().get(place.path.as_str()).cloned();
    let is_said =
        all.iter().any(|d| d.code == Some(crate::types::NumberOrString::String("not-taken".into())));
    all.extend(problem.filter(|_| !is_said).map(|problem| diagnostics::not_taken(&context, &problem)));
    all
}

/// Puts the page that the diagnostics link to where the client can open it.
pub(crate) fn write_docs(folder: &Folder) {
    if let Err(error) = compare::write_docs(&folder.workspace.views()) {
        tracing::warn!(%error, "the diagnostics' page was not written");
    }
}
