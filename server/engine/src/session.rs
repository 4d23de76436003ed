//! Everything a process needs on one workspace, opened together: configuration, cache, files,
//! remote. A command runs its work here to the end; the language server hands the session to the
//! loop in [`crate::driver`].

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use agent_cache::{Cache, Rebuilt};
use agent_core::id::{ArtifactKey, Author, Seq, Timestamp};
use agent_core::ports::{PushChange, Remote, RemoteError, StoreError, VersionQuery};
use agent_core::sync::{Event, Request};
use agent_remote::{Auth, Settings, SupabaseRemote};

use crate::chance::now;
use crate::config::{Config, ConfigError};
use crate::disk::Disk;
use crate::engine::{Engine, Outcome};
use crate::holders::forget_gone;
use crate::rehearsal;
use crate::remote::AnyRemote;
use crate::rules::{self, Fetched, Rules};
use crate::workspace::Workspace;
use crate::{SystemChance, author};

/// Why a session could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The configuration file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The cache.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One process's session on a workspace.
pub struct Session {
    /// Where it is.
    pub workspace: Workspace,
    /// What is configured.
    pub config: Config,
    /// The machine over cache and files.
    pub engine: Engine<Cache, Disk>,
    /// The team's server.
    pub remote: AnyRemote,
    /// How to reach the live channel, when there is a remote.
    pub settings: Option<Settings>,
    /// The signed-in person's session.
    pub auth: Option<Auth>,
    /// What to tell the user about a damaged cache that was set aside.
    pub rebuilt: Option<String>,
    /// Whether the engine runs on nothing durable, after a rebuild that did not succeed.
    is_detached: bool,
    /// Whether nothing is to be changed (see [`crate::rehearsal`]).
    pub(crate) rehearses: bool,
    /// Who Git takes the user for, asked once.
    git_author: OnceLock<Option<String>>,
}

impl Session {
    /// Opens a workspace. `home` is where sign-ins are kept, `env` answers environment variables,
    /// `client` is how this program names itself to the remote.
    ///
    /// # Errors
    /// A configuration that cannot be used, a cache that cannot be opened.
    pub fn open(
        workspace: Workspace,
        home: PathBuf,
        env: &dyn Fn(&str) -> Option<String>,
        client: &str,
    ) -> Result<Self, SessionError> {
        let config = workspace.config(env)?;
        let (settings, auth, remote) = connect(&config, home, env, client);
        let (mut cache, rebuilt) = Cache::open_or_rebuild(&workspace.database())?;
        bind(&mut cache, settings.as_ref())?;
        let rebuilt = rebuilt.as_ref().map(rebuilt_message);
        let disk = Disk::new(workspace.root(), config.sync.max_file_size);
        let chance = Box::new(SystemChance);
        let mut engine = Engine::open(cache, disk, config.kinds.clone(), config.sync.policy, chance, now())?;
        engine.machine_mut().set_scan(config.sync.scan);
        engine.keep_journal(workspace.sync_log());
        let mut session = Self {
            workspace,
            config,
            engine,
            remote,
            settings,
            auth,
            rebuilt,
            is_detached: false,
            git_author: OnceLock::new(),
            rehearses: false,
        };
        session.sign();
        Ok(session)
    }

    /// Starts over after the cache turned out damaged, or was deleted, while in use: what is left of
    /// it is set aside, and a scan and a pull fill the new one.
    ///
    /// # Errors
    /// What the file system says. The session holds nothing durable then and must not be used
    /// before another try succeeds.
    pub fn rebuild(&mut self) -> Result<(), StoreError> {
        let database = self.workspace.database();
        let (cache, rebuilt) = match std::mem::replace(&mut self.is_detached, true) {
            // The old connection knows whether another process has replaced the file already.
            false => {
                std::mem::replace(&mut self.engine.store, Cache::in_memory()?).rebuild("damaged in use")?
            }
            true => Cache::open_or_rebuild(&database)?,
        };
        let mut cache = cache;
        bind(&mut cache, self.settings.as_ref())?;
        let disk = Disk::new(self.workspace.root(), self.config.sync.max_file_size);
        let (kinds, policy) = (self.config.kinds.clone(), self.config.sync.policy);
        self.engine = Engine::open(cache, disk, kinds, policy, Box::new(SystemChance), now())?;
        self.engine.machine_mut().set_scan(self.config.sync.scan);
        self.engine.keep_journal(self.workspace.sync_log());
        self.is_detached = false;
        self.sign();
        self.rebuilt = rebuilt.as_ref().map(rebuilt_message);
        Ok(())
    }

    /// What the team's server lets one do, as it was known last.
    ///
    /// # Errors
    /// What the cache says.
    pub fn rules(&self) -> Result<Rules, StoreError> {
        let user = self.auth.as_ref().and_then(Auth::user);
        rules::kept(&self.engine.store, user.as_ref().map(|user| user.id.as_str()))
    }

    /// Keeps what the team's server answered to [`rules::fetch`].
    ///
    /// # Errors
    /// What the cache says.
    pub fn keep_rules(&mut self, fetched: &Fetched, user: &str) -> Result<(), StoreError> {
        rules::keep(&mut self.engine.store, fetched, user)
    }

    /// Who works here, as people are named: who is signed in, else who Git takes them for.
    pub fn author(&self) -> Option<String> {
        let signed_in = self.auth.as_ref().and_then(Auth::user);
        signed_in.map(|user| user.email).or_else(|| self.git_author())
    }

    fn git_author(&self) -> Option<String> {
        self.git_author.get_or_init(|| author::of_git(self.workspace.root())).clone()
    }

    /// Tells the machine who the local user is, and how many deletions at once need a word of theirs.
    fn sign(&mut self) {
        self.engine.machine_mut().set_deletion_limit(self.config.sync.deletion_limit);
        self.engine.machine_mut().set_reversion_limit(self.config.sync.reversion_limit);
        self.know_user();
    }

    /// Looks who is signed in now, and tells the machine; answers whether it is somebody else than it
    /// knew.
    pub(crate) fn know_user(&mut self) -> bool {
        let me = match self.auth.as_ref().and_then(Auth::user) {
            Some(user) => Author { id: user.id, name: user.email },
            None => Author { id: String::new(), name: self.git_author().unwrap_or_default() },
        };
        self.engine.machine_mut().set_me(me)
    }

    /// Compares the files with the cache.
    ///
    /// # Errors
    /// What the cache says.
    pub fn scan(&mut self) -> Result<Outcome, StoreError> {
        let mut requests = self.see_open()?;
        let mut outcome = self.engine.scan(now())?;
        requests.append(&mut outcome.requests);
        Ok(Outcome { requests, ..outcome })
    }

    /// Which artifacts editors have open. Looked up again after each wait for the network, for what
    /// is open is not to be written. Answers what is to be sent.
    fn see_open(&mut self) -> Result<Vec<Request>, StoreError> {
        // A rehearsal has a cache of its own, and takes no process's sign away.
        if !self.rehearses {
            forget_gone(&mut self.engine.store, &self.workspace.database(), now())?;
        }
        Ok(self.engine.see_open(now())?.requests)
    }

    /// What is known of the remote's answering: by this process if it asked, else by the last one
    /// that did.
    ///
    /// # Errors
    /// What the cache says.
    pub fn trouble(&self) -> Result<Option<(Timestamp, RemoteError)>, StoreError> {
        let recorded = self.engine.store.trouble()?;
        let link = self.engine.machine().link();
        if !link.is_heard() {
            // Without a remote nothing that was found out of one holds for this process.
            return Ok(recorded.filter(|_| matches!(self.remote, AnyRemote::Supabase(_))));
        }
        // It began when the first of all processes met it.
        let began = |since: Timestamp| recorded.map_or(since, |(earlier, _)| earlier.min(since));
        Ok(link.trouble.clone().map(|(since, error)| (began(since), error)))
    }

    /// Keeps what this process found out of the remote's answering, for the others on the workspace,
    /// which ask nothing themselves. Written only where it differs from what is there.
    ///
    /// # Errors
    /// What the cache says.
    pub fn record_link(&mut self) -> Result<(), StoreError> {
        if !self.engine.machine().link().is_heard() {
            return Ok(());
        }
        let trouble = self.trouble()?;
        match self.engine.store.trouble()? == trouble {
            true => Ok(()),
            false => self.engine.store.set_trouble(trouble.as_ref()),
        }
    }

    /// Whether there is a remote to ask and somebody to ask it; whether it answers is another matter.
    pub fn can_ask(&self) -> bool {
        let is_known = |auth: &Auth| auth.user().is_some() || auth.given_by().is_some();
        matches!(self.remote, AnyRemote::Supabase(_)) && self.auth.as_ref().is_some_and(is_known)
    }

    /// Sends one request, and returns the event that brings the answer back to the engine.
    pub async fn ask(&self, request: Request) -> Event {
        if let Request::Push(batch) = &request
            && self.rehearses
            && let (AnyRemote::Supabase(_), Some(auth)) = (&self.remote, &self.auth)
        {
            // Nothing of a rehearsal may be sent, whoever signs in meanwhile.
            let refused = if self.can_ask() { None } else { auth.access_token().await.err() };
            return match refused {
                None => rehearsal::answer(&self.engine, batch),
                Some(error) => Event::PushFailed(error),
            };
        }
        Sent::new(&self.engine, request).answer(&self.remote).await
    }

    /// Takes an event and everything that follows from it, the network included, until nothing is
    /// left to do or the remote does not answer (see the machine's link). `progress` is called
    /// after each answer.
    ///
    /// # Errors
    /// What the cache says.
    pub async fn run(
        &mut self,
        event: Event,
        mut progress: impl FnMut(&Engine<Cache, Disk>),
    ) -> Result<(), StoreError> {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let mut requests = self.see_open()?;
            requests.append(&mut self.engine.handle(event, now())?.requests);
            for request in requests {
                events.push(self.ask(request).await);
            }
            progress(&self.engine);
        }
        self.record_link()
    }
}

/// How a cache remembers the team that it belongs to.
pub fn team_name(settings: &Settings) -> String {
    format!("team {} on {}", settings.team(), settings.host())
}

/// Binds the cache to the configured team, as soon as one is.
fn bind(cache: &mut Cache, settings: Option<&Settings>) -> Result<(), StoreError> {
    match settings {
        Some(settings) => cache.bind(&team_name(settings)),
        None => Ok(()),
    }
}

fn rebuilt_message(rebuilt: &Rebuilt) -> String {
    format!(
        "the cache was damaged ({}) and is rebuilt from your files and the remote; the old one, with the history of this \
         machine until now, is kept as {}",
        rebuilt.reason,
        rebuilt.moved_to.display()
    )
}

fn connect(
    config: &Config,
    home: PathBuf,
    env: &dyn Fn(&str) -> Option<String>,
    client: &str,
) -> (Option<Settings>, Option<Auth>, AnyRemote) {
    let made = config.remote.clone().and_then(|remote| {
        let settings = Settings::new(remote.url, remote.anon_key, remote.team_id, home, client)
            .and_then(|settings| settings.with_realtime_url(remote.realtime_url))
            .and_then(|settings| settings.with_environment(env))
            .map_err(|error| error.to_string())?;
        let auth = Auth::new(&settings).map_err(|error| error.to_string())?;
        Ok((settings, auth))
    });
    match made {
        Ok((settings, auth)) => {
            let remote = SupabaseRemote::new(&settings, auth.clone());
            (Some(settings), Some(auth), AnyRemote::Supabase(remote))
        }
        Err(reason) => (None, None, AnyRemote::Missing(reason)),
    }
}

/// A request with all it needs, on its way.
pub(crate) enum Sent {
    Push(Vec<PushChange>),
    Pull(Seq),
    FindBase(ArtifactKey, agent_core::id::ContentHash),
}

impl Sent {
    pub(crate) fn new<S: agent_core::ports::Store, F: agent_core::ports::Files>(
        engine: &Engine<S, F>,
        request: Request,
    ) -> Self {
        match request {
            Request::Push(batch) => Self::Push(engine.changes(&batch)),
            Request::Pull(after) => Self::Pull(after),
            Request::FindBase(key, hash) => Self::FindBase(key, hash),
        }
    }

    /// Sends it, and turns the answer into the event that brings it back to the machine.
    pub(crate) async fn answer(self, remote: &impl Remote) -> Event {
        match self {
            Self::Push(changes) => match remote.push(changes).await {
                Ok(reply) => Event::Pushed(Box::new(reply)),
                Err(error) => Event::PushFailed(error),
            },
            Self::Pull(after) => match remote.pull(after).await {
                Ok(page) => Event::Pulled(Box::new(page)),
                Err(error) => Event::PullFailed(error),
            },
            Self::FindBase(key, hash) => {
                let query = VersionQuery {
                    key: key.clone(),
                    hash: Some(hash),
                    before: None,
                    limit: 1,
                    with_content: false,
                };
                match remote.versions(query).await {
                    Ok(found) => {
                        let base = found.first().map(|version| (hash, version.version));
                        Event::BaseFound { key, base }
                    }
                    Err(error) => Event::SearchFailed(key, error),
                }
            }
        }
    }
}

/// Shared by every task that sends requests.
pub(crate) type SharedRemote = Arc<AnyRemote>;
