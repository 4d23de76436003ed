//! The signed-in person's session: signing out, and a token that is always good for a while. The ways
//! to sign in are in [`sign_in`]; a session that the environment gives, in [`given`].
//! All processes of a machine share one session file per project. The server rotates the refresh
//! token and revokes the session when an old one is used, so refreshing happens under one lock, from
//! what is stored at that moment, and the result is stored before it is used.
//! What the server's refusals mean is in [`wire`]; the file and its lock are in [`store`].

mod browser;
pub(crate) mod given;
pub(crate) mod keyring;
mod pkce;
mod sign_in;
mod store;
mod wire;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agent_core::id::ContentHash;
use agent_core::ports::RemoteError;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedMutexGuard, watch};
use tokio::time::Instant;

pub use self::browser::BrowserSignIn;
use self::given::Given;
use self::store::SessionFile;
use self::wire::{Denied, Stored};
use crate::http::Http;
use crate::settings::Settings;

/// How long before its end a token is replaced, in seconds; supabase-js does the same.
const MARGIN: i64 = 90;
/// How long a token that is still good is used on after refreshing it failed.
const BETWEEN_FAILURES: Duration = Duration::from_secs(10);

/// How long a keyring that did not give the session is left alone.
const BETWEEN_PROMPTS: Duration = Duration::from_secs(60);

/// The signed-in person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// The user's id on the remote, a UUID.
    pub id: String,
    /// The address they sign in with; empty when they have none.
    pub email: String,
}

/// How far signing out got.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "somebody may want to know that the server keeps the session"]
pub enum SignedOut {
    /// The session is over, here and on the server.
    Everywhere,
    /// This machine forgot the session; the server was not told, for this reason.
    HereOnly(String),
}

/// A granted session.
#[derive(Debug, Clone, Default)]
struct Session {
    access_token: SecretString,
    refresh_token: SecretString,
    /// When the access token ends, in seconds since the epoch by this machine's clock.
    expires_at: i64,
    /// How many seconds it was granted for.
    lifetime: i64,
    user: User,
}

impl Session {
    /// How many seconds before its end the token is replaced. Tokens granted for less than three
    /// minutes would otherwise be replaced at every use.
    fn margin(&self) -> i64 {
        MARGIN.min(self.lifetime / 2)
    }

    /// How many seconds until it should be replaced; none are left when that is due.
    fn fresh_for(&self, now: i64) -> i64 {
        (self.expires_at - self.margin() - now).clamp(0, self.lifetime)
    }

    fn is_over(&self, now: i64) -> bool {
        now >= self.expires_at
    }
}

/// An access token and how long it need not be replaced.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) secret: SecretString,
    pub(crate) fresh_for: Duration,
}

/// The session of one project. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct Auth {
    inner: Arc<Inner>,
    memory: Arc<tokio::sync::Mutex<Memory>>,
}

#[derive(Debug)]
struct Inner {
    http: Http,
    file: SessionFile,
    /// A session of the environment's, which counts over the stored one.
    given: Option<Given>,
    /// Whose it is, once that is known.
    given_user: Mutex<Option<User>>,
    /// The token the server last refused.
    refused: Mutex<Option<SecretString>>,
    /// Counts the changes of the session made by this process.
    changes: watch::Sender<u64>,
}

/// What this process knows of the session file; locked while it is read or refreshed, so that one
/// process never refreshes twice at once.
#[derive(Debug, Default)]
struct Memory {
    /// The bytes last read or written.
    seen: Option<ContentHash>,
    session: Option<Session>,
    /// Why there is no session, where that is known.
    why_not: Option<String>,
    /// Not before this moment is the keyring asked again, which may ask a person each time, and what
    /// to say meanwhile.
    keyring: Option<(Instant, RemoteError)>,
    /// Not before this moment is a refresh tried again that failed for a passing reason.
    pause: Option<Instant>,
}

impl Auth {
    /// Prepares the session; reads and sends nothing yet.
    ///
    /// # Errors
    /// [`RemoteError::Misconfigured`] when the system's certificates cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, RemoteError> {
        let inner = Inner {
            http: Http::new(settings)?,
            file: SessionFile::new(settings),
            given: settings.given.clone(),
            given_user: Mutex::new(settings.given.as_ref().and_then(Given::session).map(|s| s.user.clone())),
            refused: Mutex::new(None),
            changes: watch::Sender::new(0),
        };
        Ok(Self { inner: Arc::new(inner), memory: Arc::default() })
    }

    /// Ends this machine's session: here at once, and on the server if it can be reached. Other
    /// machines stay signed in.
    ///
    /// # Errors
    /// [`RemoteError::Misconfigured`] when the session file cannot be removed, or the session is the
    /// environment's.
    pub async fn sign_out(&self) -> Result<SignedOut, RemoteError> {
        if let Some(given) = &self.inner.given {
            return Err(RemoteError::Misconfigured(format!(
                "the session comes from {}, which this program cannot end; unset it",
                given.name()
            )));
        }
        // The server asks for a token that is still good to end its session.
        let token = self.token().await;
        let mut memory = self.memory.lock().await;
        let locked = self.inner.file.lock().await?;
        // A session that is still stored and yet gives no token is in a keyring that is locked.
        let is_stored = self.inner.file.kept().is_some();
        self.inner.file.remove(&locked).await?;
        *memory = Memory::default();
        self.inner.announce();
        drop(locked);
        let problem = match token {
            Ok(token) => self.inner.end(&token.secret).await,
            // There was no session, or the server had ended it.
            Err(RemoteError::SignedOut(_)) if !is_stored => None,
            Err(error) => Some(error.to_string()),
        };
        Ok(problem.map_or(SignedOut::Everywhere, SignedOut::HereOnly))
    }

    /// Who is signed in, as stored: asks no server. Reads one small file. With nothing but a refresh
    /// token in the environment it is known after the first use.
    pub fn user(&self) -> Option<User> {
        match &self.inner.given {
            Some(_) => self.inner.given_user.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            None => self.inner.file.user(),
        }
    }

    /// Where the session is kept: `environment`, `keyring` or `file`; `None` without one.
    pub fn kept(&self) -> Option<&'static str> {
        match self.inner.given {
            Some(_) => Some("environment"),
            None => self.inner.file.kept(),
        }
    }

    /// The file of this machine's session; it need not be there, and the tokens may be elsewhere.
    pub fn session_file(&self) -> &std::path::Path {
        self.inner.file.path()
    }

    /// The environment variable that gives the session, if one does.
    pub fn given_by(&self) -> Option<&'static str> {
        self.inner.given.as_ref().map(Given::name)
    }

    /// A token that is good for a while yet, refreshed first where needed.
    ///
    /// # Errors
    /// [`RemoteError::SignedOut`] only when there is no session or the server ended it; a server
    /// that cannot be reached ends nothing.
    pub async fn access_token(&self) -> Result<SecretString, RemoteError> {
        Ok(self.token().await?.secret)
    }

    /// Says that the server refused this token, so that the next call refreshes, once, whatever the
    /// token's age.
    pub fn invalidate(&self, token: &SecretString) {
        let mut refused = self.inner.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused = Some(token.clone());
    }

    /// The error for being signed out, with the reason where one is stored.
    pub(crate) fn no_session(&self) -> RemoteError {
        if self.inner.given.is_some() {
            return self.inner.signed_out(None);
        }
        match self.inner.file.read() {
            Ok((_, Stored::Ended(reason))) => RemoteError::SignedOut(reason),
            _ => self.inner.signed_out(None),
        }
    }

    pub(crate) fn http(&self) -> &Http {
        &self.inner.http
    }

    /// Told when this process signs in or out or renews the token.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    pub(crate) async fn token(&self) -> Result<Token, RemoteError> {
        let mut memory = Arc::clone(&self.memory).lock_owned().await;
        if let Some(given) = &self.inner.given {
            return self.inner.given_token(given, &mut memory).await;
        }
        self.inner.reload(&mut memory).await?;
        let now = unix_now();
        let session =
            memory.session.as_ref().ok_or_else(|| self.inner.signed_out(memory.why_not.as_ref()))?;
        let paused = memory.pause.is_some_and(|until| Instant::now() < until) && !session.is_over(now);
        if !self.inner.is_refused(session) && (session.fresh_for(now) > 0 || paused) {
            return Ok(token_of(session, now));
        }
        // In a task of its own: a caller that stops waiting must not lose a token that the server
        // has already rotated.
        let inner = Arc::clone(&self.inner);
        let refreshed = tokio::spawn(async move { inner.refresh(memory).await }).await;
        refreshed.map_err(|error| RemoteError::Protocol(format!("refreshing the session: {error}")))?
    }
}

impl Inner {
    /// Takes in what another process stored since.
    async fn reload(&self, memory: &mut Memory) -> Result<(), RemoteError> {
        let (seen, _) = self.file.read()?;
        if seen == memory.seen && seen.is_some() {
            return Ok(());
        }
        if let Some((until, error)) = &memory.keyring
            && Instant::now() < *until
        {
            return Err(error.clone());
        }
        let (seen, stored) = match self.file.load().await {
            Ok(loaded) => loaded,
            Err(error) => {
                memory.keyring = Some((Instant::now() + BETWEEN_PROMPTS, error.clone()));
                return Err(error);
            }
        };
        memory.keyring = None;
        memory.seen = seen;
        memory.pause = None;
        let had_reason = memory.why_not.take();
        (memory.session, memory.why_not) = match stored {
            Stored::Session(session) => (Some(*session), None),
            Stored::Ended(reason) => (None, Some(reason)),
            // A damaged file that was moved aside leaves nothing behind but this.
            Stored::Nothing | Stored::InKeyring(_) => (None, had_reason),
            Stored::Unusable { problem, damaged } => (None, Some(self.set_aside(&problem, damaged))),
        };
        Ok(())
    }

    fn set_aside(&self, problem: &str, damaged: bool) -> String {
        let path = self.file.path().display();
        let aside = if damaged { self.file.move_aside(unix_now()) } else { None };
        let text = match aside {
            Some(aside) => {
                format!("the stored session {path} {problem}; it is kept as {}", aside.display())
            }
            None => format!("the stored session {path} {problem}"),
        };
        tracing::warn!("{text}");
        text
    }

    async fn refresh(&self, mut memory: OwnedMutexGuard<Memory>) -> Result<Token, RemoteError> {
        let locked = self.file.lock().await?;
        // While we waited for the lock another process may have done it for us.
        self.reload(&mut memory).await?;
        let session = memory.session.clone().ok_or_else(|| self.signed_out(memory.why_not.as_ref()))?;
        let is_refused = self.is_refused(&session);
        if session.fresh_for(unix_now()) > 0 && !is_refused {
            return Ok(token_of(&session, unix_now()));
        }
        let body = wire::refresh_args(&session.refresh_token);
        match self.grant("refresh_token", body, Some(&session.user)).await {
            Ok(renewed) => {
                match self.file.save(&locked, &renewed).await {
                    Ok(seen) => memory.seen = Some(seen),
                    // Better used unsaved than lost: the server still takes the previous refresh
                    // token, its direct parent, from the processes that read the old file.
                    Err(error) => tracing::warn!(%error, "the renewed session could not be stored"),
                }
                memory.pause = None;
                let token = token_of(&renewed, unix_now());
                memory.session = Some(renewed);
                self.announce();
                Ok(token)
            }
            Err(Denied::Ended(reason)) => {
                let reason = format!("the session on {} is over ({reason})", self.http.host());
                memory.seen = self.file.save_ended(&locked, &reason).await.ok();
                memory.session = None;
                memory.why_not = Some(reason.clone());
                self.announce();
                Err(RemoteError::SignedOut(reason))
            }
            Err(Denied::Other(error)) if is_refused || session.is_over(unix_now()) => Err(error),
            Err(Denied::Other(error)) => {
                tracing::debug!(%error, "refreshing failed; the token is good for a little while yet");
                memory.pause = Some(Instant::now() + BETWEEN_FAILURES);
                Ok(token_of(&session, unix_now()))
            }
        }
    }

    /// A token of the environment's session, renewed in memory alone.
    async fn given_token(&self, given: &Given, memory: &mut Memory) -> Result<Token, RemoteError> {
        let now = unix_now();
        let known = memory.session.get_or_insert_with(|| given.session().cloned().unwrap_or_default());
        let is_usable = !known.is_over(now) && !self.is_refused(known);
        if is_usable && (known.fresh_for(now) > 0 || given.refresh_token().is_none()) {
            return Ok(token_of(known, now));
        }
        let Some(refresh_token) = given.refresh_token() else {
            let until = jiff::Timestamp::from_second(known.expires_at).unwrap_or_default();
            return Err(RemoteError::SignedOut(match known.is_over(now) {
                true => format!("the token in {} ended at {until}; give a new one", given.name()),
                false => format!(
                    "{} does not accept the token in {}; give a new one",
                    self.http.host(),
                    given.name()
                ),
            }));
        };
        match self.grant("refresh_token", wire::refresh_args(refresh_token), None).await {
            Ok(renewed) => {
                let token = token_of(&renewed, unix_now());
                *self.given_user.lock().unwrap_or_else(PoisonError::into_inner) = Some(renewed.user.clone());
                memory.session = Some(renewed);
                self.announce();
                Ok(token)
            }
            Err(Denied::Ended(why)) => Err(RemoteError::SignedOut(format!(
                "{} does not accept the token in {} any more ({why}); give a new one",
                self.http.host(),
                given.name()
            ))),
            Err(Denied::Other(_)) if is_usable => Ok(token_of(known, now)),
            Err(Denied::Other(error)) => Err(error),
        }
    }

    async fn grant(&self, by: &str, body: Vec<u8>, previous: Option<&User>) -> Result<Session, Denied> {
        let path = format!("auth/v1/token?grant_type={by}");
        let request = self.http.request(Method::POST, &path, Some(body)).map_err(Denied::Other)?;
        let answer = self.http.send(&request, None).await.map_err(|failed| Denied::Other(failed.error))?;
        if !answer.status.is_success() {
            return Err(wire::denied(self.http.host(), &answer));
        }
        wire::session(&answer.body, unix_now(), previous).map_err(|problem| {
            let text = format!("{} granted a session that cannot be read: {problem}", self.http.host());
            Denied::Other(RemoteError::Protocol(text))
        })
    }

    /// Ends the token's session on the server; returns why that failed.
    async fn end(&self, token: &SecretString) -> Option<String> {
        let request = match self.http.request(Method::POST, "auth/v1/logout?scope=local", None) {
            Ok(request) => request,
            Err(error) => return Some(error.to_string()),
        };
        match self.http.send(&request, Some(token)).await {
            Ok(answer) => wire::not_ended(self.http.host(), &answer),
            Err(failed) => Some(failed.error.to_string()),
        }
    }

    fn is_refused(&self, session: &Session) -> bool {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.as_ref().is_some_and(|token| token.expose_secret() == session.access_token.expose_secret())
    }

    fn announce(&self) {
        self.changes.send_modify(|n| *n += 1);
    }

    fn signed_out(&self, why: Option<&String>) -> RemoteError {
        let usual = || format!("there is no session for {}", self.http.host());
        RemoteError::SignedOut(why.cloned().unwrap_or_else(usual))
    }
}

fn token_of(session: &Session, now: i64) -> Token {
    let fresh_for = Duration::from_secs(session.fresh_for(now).unsigned_abs());
    Token { secret: session.access_token.clone(), fresh_for }
}

fn unix_now() -> i64 {
    jiff::Timestamp::now().as_second()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
