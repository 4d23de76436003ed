//! The remote of a workspace, or the reason why there is none, behind one type: without a
//! configured remote everything local works, and each request answers with that reason.

use agent_core::id::Seq;
use agent_core::ports::{PullPage, PushChange, PushReply, Remote, RemoteError, RemoteVersion, VersionQuery};
use agent_remote::SupabaseRemote;

/// A workspace's remote.
#[derive(Clone)]
pub enum AnyRemote {
    /// A Supabase project.
    Supabase(SupabaseRemote),
    /// None, and why.
    Missing(String),
}

impl AnyRemote {
    pub(crate) fn get(&self) -> Result<&SupabaseRemote, RemoteError> {
        match self {
            Self::Supabase(remote) => Ok(remote),
            Self::Missing(reason) => Err(RemoteError::Misconfigured(reason.clone())),
        }
    }
}

impl Remote for AnyRemote {
    async fn push(&self, changes: Vec<PushChange>) -> Result<PushReply, RemoteError> {
        self.get()?.push(changes).await
    }

    async fn pull(&self, after: Seq) -> Result<PullPage, RemoteError> {
        self.get()?.pull(after).await
    }

    async fn versions(&self, query: VersionQuery) -> Result<Vec<RemoteVersion>, RemoteError> {
        self.get()?.versions(query).await
    }
}
