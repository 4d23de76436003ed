//! The [`Remote`] port over PostgREST: three functions for artifacts, and the teams
//! one belongs to.
//! Adds what makes an exchange reliable: a fresh token, one repetition when the server refuses it,
//! and two quick retries when a failure is likely to pass. Everything sent here may be repeated.

mod team;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use agent_core::id::Seq;
use agent_core::ports::{PullPage, PushChange, PushReply, Remote, RemoteError, RemoteVersion, VersionQuery};
use backon::{ExponentialBuilder, Retryable};
use reqwest::{Method, Request};
use secrecy::SecretString;
use uuid::Uuid;

use crate::auth::Auth;
use crate::fault::{self, Fault};
pub use crate::http::Counts;
use crate::http::{Failure, Http};
use crate::page_size::PageSize;
use crate::schema;
use crate::settings::Settings;
use crate::wire;
pub use team::{AuditPage, AuditQuery};

const QUICK_RETRIES: usize = 2;
const FIRST_RETRY: Duration = Duration::from_millis(150);
/// A server that asks for a longer pause than this gets it from the caller, who has other work.
const LONGEST_PAUSE_MS: u64 = 2000;
/// The servers' clocks disagree by about a second when a token is "issued at future".
const CLOCK_PAUSE: Duration = Duration::from_secs(1);

/// A seq that no team reaches, and the highest that every JSON reader takes as it is.
const BEYOND_ALL: Seq = Seq((1 << 53) - 1);

/// A team one belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// One's own role in it: `viewer`, `editor`, `approver` or `admin`.
    pub role: String,
}

/// The team's server of record over Supabase's REST interface. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SupabaseRemote {
    http: Http,
    auth: Auth,
    team: Uuid,
    page_size: Arc<PageSize>,
    /// What the last pull found out about the database's schema, once there was one: nothing is sent to
    /// a database of another age.
    agreement: Arc<Mutex<Option<Result<(), RemoteError>>>>,
}

impl SupabaseRemote {
    /// Speaks for the session `auth` in the team of `settings`; sends nothing yet.
    pub fn new(settings: &Settings, auth: Auth) -> Self {
        Self {
            http: auth.http().clone(),
            auth,
            team: settings.team(),
            page_size: Arc::default(),
            agreement: Arc::default(),
        }
    }

    /// What was asked of the server so far, by this remote and its session.
    pub fn counts(&self) -> Counts {
        self.http.counts()
    }

    /// The teams the signed-in person belongs to.
    pub async fn teams(&self) -> Result<Vec<Team>, RemoteError> {
        let user = self.auth.user().ok_or_else(|| self.auth.no_session())?;
        let id = Uuid::try_parse(&user.id)
            .map_err(|_| RemoteError::SignedOut("the stored session names no user".to_owned()))?;
        let path = format!("rest/v1/team_members?select=role,teams(id,name)&user_id=eq.{id}");
        let body = self.call(&self.request(Method::GET, &path)?, Repeat::Quickly).await?;
        let teams = wire::teams(&body).map_err(|problem| self.odd("team_members", &problem))?;
        Ok(teams.into_iter().map(|(id, name, role)| Team { id, name, role }).collect())
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> Result<Request, RemoteError> {
        self.http.request(method, path, None)
    }

    pub(crate) fn function(&self, name: &str, args: Vec<u8>) -> Result<Request, RemoteError> {
        self.http.request(Method::POST, &format!("rest/v1/rpc/{name}"), Some(args))
    }

    /// A function that takes or returns contents, and so gets the time that they need.
    async fn call_with_contents(&self, name: &str, args: Vec<u8>) -> Result<Vec<u8>, Fault> {
        let request = self.function(name, args).map_err(Fault::Final)?;
        self.exchange(&self.http.for_contents(request), Repeat::Quickly).await
    }

    pub(crate) async fn call(&self, request: &Request, repeat: Repeat) -> Result<Vec<u8>, RemoteError> {
        self.exchange(request, repeat).await.map_err(|fault| self.give_up(fault))
    }

    /// Sends the request until it succeeds or has failed for a reason that repeating cannot cure,
    /// and returns the body of the success.
    async fn exchange(&self, request: &Request, repeat: Repeat) -> Result<Vec<u8>, Fault> {
        let token = self.auth.access_token().await.map_err(Fault::Final)?;
        let refused = match self.try_quickly(request, &token, repeat).await {
            Err(Fault::Expired(said)) => said,
            other => return other,
        };
        tracing::debug!(said = refused, "the token was refused; refreshing it");
        self.auth.invalidate(&token);
        let token = self.auth.access_token().await.map_err(Fault::Final)?;
        self.try_quickly(request, &token, repeat).await
    }

    async fn try_quickly(
        &self,
        request: &Request,
        token: &SecretString,
        repeat: Repeat,
    ) -> Result<Vec<u8>, Fault> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(FIRST_RETRY)
            .with_max_times(QUICK_RETRIES)
            .with_jitter();
        (|| self.once(request, token))
            .retry(pauses)
            .when(|fault| repeat.after(fault))
            .adjust(|fault, pause| pause.map(|pause| longer_if_asked(fault, pause)))
            .await
    }

    async fn once(&self, request: &Request, token: &SecretString) -> Result<Vec<u8>, Fault> {
        let answer = self.http.send(request, Some(token)).await.map_err(|failed| match failed.how {
            Failure::Quick => Fault::Brief(failed.error),
            Failure::Slow => Fault::Slow(failed.error),
            Failure::Other => Fault::Final(failed.error),
        })?;
        if !answer.status.is_success() {
            return Err(fault::judge(self.http.host(), &answer));
        }
        if !answer.is_json {
            let said = fault::excerpt(&answer.body);
            return Err(Fault::Final(RemoteError::Protocol(format!(
                "{} answered with a page instead of data, as networks that want a sign-in do: {said}",
                self.http.host()
            ))));
        }
        Ok(answer.body)
    }

    fn note(&self, agreement: Result<(), RemoteError>) -> Result<(), RemoteError> {
        *self.agreement.lock().unwrap_or_else(PoisonError::into_inner) = Some(agreement.clone());
        agreement
    }

    /// Whether the database is of this program's age; a process that has not pulled yet asks for a page
    /// on which nothing can be.
    async fn agreed(&self) -> Result<(), RemoteError> {
        let known = self.agreement.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known {
            return known;
        }
        let args = wire::pull_args(self.team, BEYOND_ALL, 1).map_err(unwritable)?;
        let body = self.call(&self.function("pull_artifacts", args)?, Repeat::Quickly).await?;
        self.note(schema::agree(self.http.host(), wire::schema(&body)))
    }

    fn give_up(&self, fault: Fault) -> RemoteError {
        let host = self.http.host();
        match fault {
            Fault::Brief(error) | Fault::Slow(error) | Fault::Final(error) => error,
            Fault::Expired(said) => {
                RemoteError::SignedOut(format!("{host} does not accept even a fresh token ({said})"))
            }
            Fault::NotYet(said) => {
                RemoteError::Busy { detail: format!("{host}: {said}"), retry_after: Some(LONGEST_PAUSE_MS) }
            }
        }
    }

    pub(crate) fn odd(&self, what: &str, problem: &str) -> RemoteError {
        RemoteError::Protocol(format!("{} {what}: {problem}", self.http.host()))
    }
}

/// Whether an exchange may be repeated when its answer may have been lost.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Repeat {
    /// It does the same however often it is sent.
    Quickly,
    /// Only when the server certainly did not act on it.
    Never,
}

impl Repeat {
    fn after(self, fault: &Fault) -> bool {
        match (self, fault) {
            // Refused at the door, before anything was done.
            (_, Fault::NotYet(_)) => true,
            (Self::Quickly, Fault::Brief(RemoteError::Busy { retry_after, .. })) => {
                retry_after.is_none_or(|pause| pause <= LONGEST_PAUSE_MS)
            }
            (Self::Quickly, Fault::Brief(_)) => true,
            _ => false,
        }
    }
}

fn longer_if_asked(fault: &Fault, pause: Duration) -> Duration {
    match fault {
        Fault::NotYet(_) => pause.max(CLOCK_PAUSE),
        Fault::Brief(RemoteError::Busy { retry_after: Some(asked), .. }) => {
            pause.max(Duration::from_millis(*asked))
        }
        _ => pause,
    }
}

pub(crate) fn to_vec(args: &serde_json::Value) -> Result<Vec<u8>, RemoteError> {
    serde_json::to_vec(args).map_err(unwritable)
}

fn unwritable(error: serde_json::Error) -> RemoteError {
    RemoteError::Protocol(format!("the request cannot be written: {error}"))
}

impl Remote for SupabaseRemote {
    async fn push(&self, changes: Vec<PushChange>) -> Result<PushReply, RemoteError> {
        if changes.len() > wire::MAX_CHANGES {
            let (n, most) = (changes.len(), wire::MAX_CHANGES);
            return Err(RemoteError::TooMuch(format!("{n} changes in one push; at most {most} are taken")));
        }
        self.agreed().await?;
        let args = wire::push_args(self.team, &changes).map_err(unwritable)?;
        let body = self.call_with_contents("push_artifacts", args).await;
        let body = body.map_err(|fault| self.give_up(fault))?;
        wire::push_reply(&body, &changes).map_err(|problem| self.odd("push_artifacts", &problem))
    }

    async fn pull(&self, after: Seq) -> Result<PullPage, RemoteError> {
        let (asked, began) = (self.page_size.get(), Instant::now());
        let args = wire::pull_args(self.team, after, asked).map_err(unwritable)?;
        let body = self.call_with_contents("pull_artifacts", args).await;
        if let Err(Fault::Slow(_) | Fault::Final(RemoteError::TooMuch(_))) = &body {
            self.page_size.failed(asked);
        }
        let body = body.map_err(|fault| self.give_up(fault))?;
        let read = wire::page(&body, after);
        let schema = read.as_ref().map_or_else(|_| wire::schema(&body), |(_, schema)| *schema);
        // Before what is odd about the page: a database of another age may well answer oddly.
        self.note(schema::agree(self.http.host(), schema))?;
        let (page, _) = read.map_err(|problem| self.odd("pull_artifacts", &problem))?;
        self.page_size.arrived(asked, page.more, began.elapsed());
        Ok(page)
    }

    async fn versions(&self, query: VersionQuery) -> Result<Vec<RemoteVersion>, RemoteError> {
        let args = wire::versions_args(self.team, &query).map_err(unwritable)?;
        let body = self.call_with_contents("artifact_versions", args).await;
        let body = body.map_err(|fault| self.give_up(fault))?;
        wire::versions(&body, query.with_content).map_err(|problem| self.odd("artifact_versions", &problem))
    }
}

#[cfg(test)]
#[path = "rest_tests.rs"]
mod tests;
