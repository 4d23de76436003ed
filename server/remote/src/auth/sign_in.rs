//! The ways to sign in: a password, a code by mail, a provider in the browser. Each ends in one
//! granted session, stored under the lock. What is wrong with an attempt leaves an earlier session
//! as it was. Nothing is sent twice: the server counts attempts.

use agent_core::ports::RemoteError;
use reqwest::Method;
use secrecy::SecretString;

use super::browser::BrowserSignIn;
use super::{Auth, Session, User, unix_now, wire};

impl Auth {
    /// Signs in with a password and stores the session.
    ///
    /// # Errors
    /// [`RemoteError::SignedOut`] when the address or the password is wrong.
    pub async fn sign_in(&self, email: &str, password: SecretString) -> Result<User, RemoteError> {
        self.may_sign_in()?;
        self.enter("auth/v1/token?grant_type=password", wire::password_args(email, &password)).await
    }

    /// Has a code sent to the address of somebody who has an account.
    ///
    /// # Errors
    /// [`RemoteError::SignedOut`] when nobody has one with this address, or codes are switched off;
    /// [`RemoteError::Busy`] when too many mails were asked for.
    pub async fn send_code(&self, email: &str) -> Result<(), RemoteError> {
        self.may_sign_in()?;
        self.send_once("auth/v1/otp", wire::code_args(email)).await.map(drop)
    }

    /// Signs in with the code that was sent, and stores the session.
    ///
    /// # Errors
    /// [`RemoteError::SignedOut`] when the code is wrong or too old.
    pub async fn sign_in_with_code(&self, email: &str, code: &SecretString) -> Result<User, RemoteError> {
        self.may_sign_in()?;
        self.enter("auth/v1/verify", wire::verify_args(email, code)).await
    }

    /// Begins to sign in with a provider, such as `github`, in the browser.
    ///
    /// # Errors
    /// [`RemoteError::SignedOut`] when the project does not know this provider, and says which it
    /// does; [`RemoteError::Unreachable`] when it does not answer.
    pub async fn sign_in_with_browser(&self, provider: &str) -> Result<BrowserSignIn, RemoteError> {
        self.may_sign_in()?;
        let known = self.providers().await?;
        if !known.iter().any(|name| name == provider) {
            let has = match known.is_empty() {
                true => "it has none".to_owned(),
                false => format!("it has {}", known.join(", ")),
            };
            let host = self.inner.http.host();
            return Err(RemoteError::SignedOut(format!("{host} has no provider {provider:?}; {has}")));
        }
        BrowserSignIn::open(self.clone(), provider).await
    }

    /// The providers that the project lets people sign in with, in alphabetical order.
    ///
    /// # Errors
    /// What the project answers.
    pub async fn providers(&self) -> Result<Vec<String>, RemoteError> {
        let http = &self.inner.http;
        let request = http.request(Method::GET, "auth/v1/settings", None)?;
        let answer = http.send(&request, None).await.map_err(|failed| failed.error)?;
        match answer.status.is_success() {
            true => wire::providers(&answer.body)
                .map_err(|problem| RemoteError::Protocol(format!("{} settings: {problem}", http.host()))),
            false => Err(wire::sign_in_denied(http.host(), &answer)),
        }
    }

    /// Whether signing in would change anything.
    ///
    /// # Errors
    /// [`RemoteError::Misconfigured`] when the environment gives a session, which counts over any.
    pub fn may_sign_in(&self) -> Result<(), RemoteError> {
        match &self.inner.given {
            Some(given) => Err(RemoteError::Misconfigured(format!(
                "{} is set and counts over any sign-in; unset it first",
                given.name()
            ))),
            None => Ok(()),
        }
    }

    /// Asks for a session and stores it.
    pub(super) async fn enter(&self, path: &str, body: Vec<u8>) -> Result<User, RemoteError> {
        let granted = self.send_once(path, body).await?;
        let session = wire::session(&granted, unix_now(), None).map_err(|problem| {
            let host = self.inner.http.host();
            RemoteError::Protocol(format!("{host} granted a session that cannot be read: {problem}"))
        })?;
        self.keep(session).await
    }

    async fn send_once(&self, path: &str, body: Vec<u8>) -> Result<Vec<u8>, RemoteError> {
        let http = &self.inner.http;
        let request = http.request(Method::POST, path, Some(body))?;
        let answer = http.send(&request, None).await.map_err(|failed| failed.error)?;
        match answer.status.is_success() {
            true => Ok(answer.body),
            false => Err(wire::sign_in_denied(http.host(), &answer)),
        }
    }

    async fn keep(&self, session: Session) -> Result<User, RemoteError> {
        let mut memory = self.memory.lock().await;
        let locked = self.inner.file.lock().await?;
        memory.seen = Some(self.inner.file.save(&locked, &session).await?);
        memory.why_not = None;
        memory.pause = None;
        let user = session.user.clone();
        memory.session = Some(session);
        self.inner.announce();
        Ok(user)
    }
}
