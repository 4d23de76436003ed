//! placeholder of the REST client

use agent_core::id::Seq;
use agent_core::ports::{PullPage, PushChange, PushReply, Remote, RemoteError, RemoteVersion, VersionQuery};
use uuid::Uuid;

use crate::auth::Auth;
use crate::settings::Settings;

/// How much was asked of the server so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Requests sent, repeated ones and those of the session included.
    pub requests: u64,
    /// Bytes of request bodies.
    pub sent: u64,
    /// Bytes of answers' bodies, after decompression.
    pub received: u64,
}

/// A team one belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// One's own role in it.
    pub role: String,
}

/// The team's server of record over Supabase's REST interface. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SupabaseRemote {}

impl SupabaseRemote {
    /// Speaks for the session `auth` in the team of `settings`; sends nothing yet.
    pub fn new(_settings: &Settings, _auth: Auth) -> Self {
        Self {}
    }

    /// What was asked of the server so far, by this remote and its session.
    pub fn counts(&self) -> Counts {
        Counts::default()
    }

    /// Makes a team with oneself as its admin and returns its id.
    pub async fn create_team(&self, _name: &str) -> Result<Uuid, RemoteError> {
        Err(RemoteError::Unreachable("not built yet".to_owned()))
    }

    /// Adds the person with this address to the team, or changes their role; returns their id.
    pub async fn add_team_member(&self, _team: Uuid, _email: &str, _role: &str) -> Result<Uuid, RemoteError> {
        Err(RemoteError::Unreachable("not built yet".to_owned()))
    }

    /// The teams the signed-in person belongs to.
    pub async fn teams(&self) -> Result<Vec<Team>, RemoteError> {
        Err(RemoteError::Unreachable("not built yet".to_owned()))
    }
}

impl Remote for SupabaseRemote {
    async fn push(&self, _changes: Vec<PushChange>) -> Result<PushReply, RemoteError> {
        Err(RemoteError::Unreachable("not built yet".to_owned()))
    }

    async fn pull(&self, _after: Seq) -> Result<PullPage, RemoteError> {
        Err(RemoteError::Unreachable("not built yet".to_owned()))
    }

    async fn versions(&self, _query: VersionQuery) -> Result<Vec<RemoteVersion>, RemoteError> {
        Err(RemoteError::Unreachable("not built yet".to_owned()))
    }
}
