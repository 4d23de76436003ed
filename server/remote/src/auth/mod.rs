//! placeholder of the session

use agent_core::ports::RemoteError;
use secrecy::SecretString;

use crate::settings::Settings;

/// The signed-in person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The user's id on the remote, a UUID.
    pub id: String,
    /// The address they sign in with.
    pub email: String,
}

/// The session of one project. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct Auth {}

impl Auth {
    /// Prepares the session; reads and sends nothing yet.
    ///
    /// # Errors
    /// [`RemoteError::Misconfigured`] when the system's certificates cannot be used.
    pub fn new(_settings: &Settings) -> Result<Self, RemoteError> {
        Ok(Self {})
    }

    /// Signs in and stores the session.
    pub async fn sign_in(&self, _email: &str, _password: SecretString) -> Result<User, RemoteError> {
        Err(RemoteError::Unreachable("not built yet".to_owned()))
    }

    /// Ends the session here and, if it can be reached, on the server.
    pub async fn sign_out(&self) -> Result<(), RemoteError> {
        Ok(())
    }

    /// Who is signed in, as stored; asks nobody.
    pub fn user(&self) -> Option<User> {
        None
    }

    /// A token that is good for a while yet.
    pub async fn access_token(&self) -> Result<SecretString, RemoteError> {
        Err(RemoteError::SignedOut("no session".to_owned()))
    }

    /// Says that the server refused this token, so that the next call refreshes.
    pub fn invalidate(&self, _token: &SecretString) {}
}
