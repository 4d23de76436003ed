//! A session given in the environment, for machines that nobody signs in on: an access token, a
//! refresh token, or both. They count over whatever is stored, and are never stored themselves.
//! What is no user's token is refused here, with the reason, before it is sent anywhere.

use agent_core::ports::RemoteError;
use secrecy::SecretString;

use super::{Session, User};
use crate::jwt;

/// The variable with a user's access token.
pub(crate) const ACCESS_TOKEN: &str = "AGENT_ACCESS_TOKEN";
/// The variable with a user's refresh token.
pub(crate) const REFRESH_TOKEN: &str = "AGENT_REFRESH_TOKEN";

/// What the environment gave; at least one of the two.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    /// The access token with what it claims.
    access: Option<Session>,
    /// Used again each time, never the one it is exchanged for: the server takes the direct parent
    /// of its newest token for as long as nobody uses that one, so that any number of processes and
    /// runs can share it.
    refresh: Option<SecretString>,
}

impl Given {
    /// Reads the environment; `None` when it gives nothing.
    ///
    /// # Errors
    /// [`RemoteError::Misconfigured`] for keys and tokens that are no user's session.
    pub(crate) fn read(env: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, RemoteError> {
        let set = |name| env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let access = set(ACCESS_TOKEN).map(|token| access(&token)).transpose()?;
        let refresh = set(REFRESH_TOKEN).map(|token| refresh(&token)).transpose()?;
        Ok((access.is_some() || refresh.is_some()).then_some(Self { access, refresh }))
    }

    /// The session to begin with, where there is an access token.
    pub(super) fn session(&self) -> Option<&Session> {
        self.access.as_ref()
    }

    /// The token that the next session is asked for with.
    pub(super) fn refresh_token(&self) -> Option<&SecretString> {
        self.refresh.as_ref()
    }

    /// The variable to look at, for people.
    pub(super) fn name(&self) -> &'static str {
        if self.refresh.is_some() { REFRESH_TOKEN } else { ACCESS_TOKEN }
    }
}

fn access(token: &str) -> Result<Session, RemoteError> {
    refuse_keys(ACCESS_TOKEN, token)?;
    let claims = jwt::claims(token).ok_or_else(|| misconfigured(ACCESS_TOKEN, "is no access token"))?;
    let (Some(id), Some(expires_at)) = (claims.sub, claims.exp) else {
        return Err(misconfigured(ACCESS_TOKEN, "names no user and no end, as a user's access token does"));
    };
    Ok(Session {
        access_token: token.into(),
        refresh_token: SecretString::default(),
        expires_at,
        // How long it was good for in all is not known; the usual margin applies.
        lifetime: i64::MAX,
        user: User { id, email: claims.email.unwrap_or_default() },
    })
}

fn refresh(token: &str) -> Result<SecretString, RemoteError> {
    refuse_keys(REFRESH_TOKEN, token)?;
    if jwt::claims(token).is_some_and(|claims| claims.role.is_some()) {
        return Err(misconfigured(
            REFRESH_TOKEN,
            "is an access token; put it into AGENT_ACCESS_TOKEN, or give a refresh token here",
        ));
    }
    Ok(token.into())
}

/// Refuses what belongs elsewhere, and above all what must not be on this machine at all.
fn refuse_keys(name: &str, token: &str) -> Result<(), RemoteError> {
    if !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err(misconfigured(name, "holds spaces or other characters that no token has; copy it again"));
    }
    let bypass = "which bypasses every access rule of the database and is nobody's session; give a user's \
                  token, and replace this key if it was ever shared";
    if token.starts_with("sb_secret_") {
        return Err(misconfigured(name, &format!("is a secret key, {bypass}")));
    }
    if token.starts_with("sb_publishable_") {
        return Err(misconfigured(
            name,
            "is the publishable key, which is nobody's session; give a user's token",
        ));
    }
    if token.starts_with("sbp_") {
        let problem = "is a token for managing Supabase projects, not a user's session; give a user's token";
        return Err(misconfigured(name, problem));
    }
    match jwt::role(token).as_deref() {
        Some("service_role" | "supabase_admin") => {
            Err(misconfigured(name, &format!("is a service-role key, {bypass}")))
        }
        Some("anon") => {
            Err(misconfigured(name, "is the anon key, which is nobody's session; give a user's token"))
        }
        _ => Ok(()),
    }
}

fn misconfigured(name: &str, problem: &str) -> RemoteError {
    RemoteError::Misconfigured(format!("{name} {problem}"))
}

#[cfg(test)]
#[path = "given_tests.rs"]
mod tests;
