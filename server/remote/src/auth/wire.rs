//! The JSON of the Auth service (GoTrue) and of the session file, and the only place either is
//! spelled. Tokens are plain strings only in here.

use agent_core::id::ContentHash;
use agent_core::ports::RemoteError;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{Session, User};
use crate::fault::{self, Fault, Problem};
use crate::http::Answer;

/// The version of the session file's format.
const FORMAT: u32 = 1;
/// What Supabase issues when nothing else is configured.
const USUAL_LIFETIME: i64 = 3600;

#[derive(Serialize)]
struct PasswordArgs<'a> {
    email: &'a str,
    password: &'a str,
}

#[derive(Serialize)]
struct CodeArgs<'a> {
    email: &'a str,
    /// Asking for a code makes no account.
    create_user: bool,
}

#[derive(Serialize)]
struct VerifyArgs<'a> {
    r#type: &'static str,
    email: &'a str,
    token: &'a str,
}

#[derive(Serialize)]
struct PkceArgs<'a> {
    auth_code: &'a str,
    code_verifier: &'a str,
}

#[derive(Serialize)]
struct RefreshArgs<'a> {
    refresh_token: &'a str,
}

/// The body of a sign-in.
pub(super) fn password_args(email: &str, password: &SecretString) -> Vec<u8> {
    let args = PasswordArgs { email, password: password.expose_secret() };
    serde_json::to_vec(&args).unwrap_or_default()
}

/// The body that asks for a code by mail.
pub(super) fn code_args(email: &str) -> Vec<u8> {
    serde_json::to_vec(&CodeArgs { email, create_user: false }).unwrap_or_default()
}

/// The body that brings the code back. People type it with spaces, and copy it with line breaks.
pub(super) fn verify_args(email: &str, code: &SecretString) -> Vec<u8> {
    let token: String = code.expose_secret().chars().filter(|c| !c.is_whitespace()).collect();
    serde_json::to_vec(&VerifyArgs { r#type: "email", email, token: &token }).unwrap_or_default()
}

/// The body that exchanges a browser's code.
pub(super) fn pkce_args(code: &SecretString, verifier: &SecretString) -> Vec<u8> {
    let args = PkceArgs { auth_code: code.expose_secret(), code_verifier: verifier.expose_secret() };
    serde_json::to_vec(&args).unwrap_or_default()
}

/// The body of a refresh.
pub(super) fn refresh_args(token: &SecretString) -> Vec<u8> {
    serde_json::to_vec(&RefreshArgs { refresh_token: token.expose_secret() }).unwrap_or_default()
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    refresh_token: String,
    expires_in: Option<i64>,
    user: Option<GrantedUser>,
}

#[derive(Deserialize)]
struct GrantedUser {
    id: String,
    email: Option<String>,
}

/// Reads a granted session. The expiry counts from `now` (seconds since the epoch) on this machine's
/// clock, so that it is right even where that clock is wrong.
pub(super) fn session(body: &[u8], now: i64, previous: Option<&User>) -> Result<Session, String> {
    // serde_json's errors name a position and a type, never a value of a string field.
    let granted: Granted = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let user = granted.user.map(|user| User { id: user.id, email: user.email.unwrap_or_default() });
    let user = user.or_else(|| previous.cloned()).ok_or("a session without a user")?;
    if granted.access_token.is_empty() || granted.refresh_token.is_empty() {
        return Err("a session without tokens".to_owned());
    }
    let lifetime = granted.expires_in.filter(|seconds| *seconds > 0).unwrap_or(USUAL_LIFETIME);
    Ok(Session {
        access_token: granted.access_token.into(),
        refresh_token: granted.refresh_token.into(),
        expires_at: now.saturating_add(lifetime),
        lifetime,
        user,
    })
}

/// Why the Auth service did not renew a session.
#[derive(Debug)]
pub(super) enum Denied {
    /// The session is over, whatever is tried: somebody must sign in again.
    Ended(String),
    /// Anything else; the session is as good as it was.
    Other(RemoteError),
}

/// Judges a refusal to renew a session.
pub(super) fn denied(host: &str, answer: &Answer) -> Denied {
    let problem = Problem::read(answer);
    let refused = (400..=404).contains(&answer.status.as_u16());
    let text = problem.text.clone();
    match problem.code.as_str() {
        "refresh_token_not_found"
        | "refresh_token_already_used"
        | "session_not_found"
        | "session_expired"
        | "user_not_found"
        | "user_banned"
            if refused =>
        {
            Denied::Ended(text)
        }
        // Before 2024 the reason was only in the text; a token that is not even well-formed is
        // called a failed validation.
        _ if refused && is_about_the_token(&text) => Denied::Ended(text),
        _ => Denied::Other(judged(host, answer)),
    }
}

fn judged(host: &str, answer: &Answer) -> RemoteError {
    match fault::judge(host, answer) {
        Fault::Brief(error) | Fault::Slow(error) | Fault::Final(error) => error,
        Fault::Expired(text) => RemoteError::Protocol(format!("{host} refused to sign in: {text}")),
        Fault::NotYet(text) => RemoteError::Busy { detail: text, retry_after: None },
    }
}

/// Judges a refusal to sign somebody in: what is wrong, and what to do next.
pub(super) fn sign_in_denied(host: &str, answer: &Answer) -> RemoteError {
    let problem = Problem::read(answer);
    let said = &problem.text;
    let status = answer.status.as_u16();
    if status == 429 {
        return RemoteError::Busy {
            detail: too_many(host, problem.code.as_str(), said, answer.retry_after),
            retry_after: answer.retry_after,
        };
    }
    if !(400..500).contains(&status) {
        return judged(host, answer);
    }
    let why = match problem.code.as_str() {
        "invalid_credentials" | "invalid_grant" => "the address or the password is wrong".to_owned(),
        "email_not_confirmed" => {
            "the address is not confirmed yet: follow the link in the mail that came when you \
                                  signed up, then sign in again"
                .to_owned()
        }
        "otp_expired" => "the code is wrong, used or too old; have a new one sent".to_owned(),
        "otp_disabled" | "user_not_found" | "signup_disabled" => {
            format!(
                "nobody has an account with this address on {host}, or codes by mail are switched off there ({said})"
            )
        }
        "bad_code_verifier" | "flow_state_not_found" | "flow_state_expired" => {
            "this sign-in through the browser is over or was begun elsewhere; start again".to_owned()
        }
        "email_provider_disabled" => {
            format!("{host} lets nobody sign in by mail address; use a provider ({said})")
        }
        "captcha_failed" => {
            format!("{host} wants a captcha for this; sign in with a provider in the browser")
        }
        "user_banned" => format!("this account is suspended on {host}"),
        "validation_failed" | "email_address_invalid" | "phone_not_confirmed" => said.clone(),
        _ => return judged(host, answer),
    };
    RemoteError::SignedOut(why)
}

/// Too many attempts, and how long to wait where the server says so.
fn too_many(host: &str, code: &str, said: &str, retry_after: Option<u64>) -> String {
    let what = match code {
        "over_email_send_rate_limit" => "sends no more mails for now",
        _ => "takes no more attempts for now",
    };
    let wait = match retry_after {
        Some(millis) => format!("try again in {} s", millis.div_ceil(1000)),
        None => "try again in a few minutes".to_owned(),
    };
    match said.is_empty() {
        true => format!("{host} {what}; {wait}"),
        false => format!("{host} {what} ({said}); {wait}"),
    }
}

/// What the browser came back with instead of a code.
pub(super) fn provider_denied(code: &str, said: &str) -> String {
    let said: String = said.chars().filter(|c| !c.is_control()).take(300).collect();
    match code {
        "access_denied" => format!("the sign-in was cancelled at the provider ({said})"),
        "signup_disabled" => {
            format!("there is no account for this person, and the project makes none ({said})")
        }
        "provider_email_needs_verification" => {
            format!("the provider has not confirmed the mail address; confirm it there first ({said})")
        }
        "flow_state_expired" | "flow_state_not_found" | "bad_oauth_state" => {
            format!("the sign-in took too long; start again ({said})")
        }
        _ => format!("the provider refused: {said}"),
    }
}

#[derive(Deserialize)]
struct ProjectSettings {
    #[serde(default)]
    external: std::collections::BTreeMap<String, serde_json::Value>,
}

/// The providers that are switched on, in alphabetical order; not the ways without a browser.
pub(super) fn providers(body: &[u8]) -> Result<Vec<String>, String> {
    let settings: ProjectSettings = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let other = ["email", "phone", "anonymous_users"];
    let on =
        settings.external.into_iter().filter(|(name, on)| *on == true && !other.contains(&name.as_str()));
    Ok(on.map(|(name, _)| name).collect())
}

/// Why the Auth service did not end a session; `None` when it did, or there was none to end.
pub(super) fn not_ended(host: &str, answer: &Answer) -> Option<String> {
    let problem = Problem::read(answer);
    let is_gone = matches!(problem.code.as_str(), "session_not_found" | "session_expired" | "user_not_found");
    if answer.status.is_success() || is_gone {
        return None;
    }
    Some(match fault::judge(host, answer) {
        Fault::Brief(error) | Fault::Slow(error) | Fault::Final(error) => error.to_string(),
        Fault::Expired(text) | Fault::NotYet(text) => format!("{host} does not accept the token ({text})"),
    })
}

fn is_about_the_token(text: &str) -> bool {
    text.starts_with("Invalid Refresh Token") || text.eq_ignore_ascii_case("Refresh token is not valid")
}

#[derive(Default, Serialize, Deserialize)]
struct File {
    format: u32,
    project: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<FileSession>,
    /// In place of a session: the keyring holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keyring: Option<Pointer>,
    /// Why there is no session any more, when the server ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct FileSession {
    access_token: String,
    refresh_token: String,
    expires_at: i64,
    lifetime: i64,
    user_id: String,
    email: String,
}

/// What the file keeps of a session that is in the keyring.
#[derive(Serialize, Deserialize)]
struct Pointer {
    user_id: String,
    email: String,
    /// Another for each renewal, so that the file tells that there was one.
    stamp: String,
}

/// What a session file says.
#[derive(Debug)]
pub(super) enum Stored {
    /// Nothing about this project.
    Nothing,
    /// A session.
    Session(Box<Session>),
    /// The session of this user, in the keyring.
    InKeyring(User),
    /// The server ended the session, for this reason.
    Ended(String),
    /// The file cannot be used, for this reason; it may be moved aside when `damaged`.
    Unusable { problem: String, damaged: bool },
}

/// The bytes of a session file.
pub(super) fn write_session(project: &str, session: &Session) -> Vec<u8> {
    let session = Some(kept(session));
    let project = project.to_owned();
    serde_json::to_vec(&File { format: FORMAT, project, session, ..File::default() }).unwrap_or_default()
}

/// The bytes of a session file whose session is in the keyring, as this secret.
pub(super) fn write_pointer(project: &str, user: &User, secret: &[u8]) -> Vec<u8> {
    let stamp = ContentHash::of(secret).to_string()[..16].to_owned();
    let keyring = Some(Pointer { user_id: user.id.clone(), email: user.email.clone(), stamp });
    let project = project.to_owned();
    serde_json::to_vec(&File { format: FORMAT, project, keyring, ..File::default() }).unwrap_or_default()
}

/// A session as the keyring keeps it.
pub(super) fn write_secret(session: &Session) -> Vec<u8> {
    serde_json::to_vec(&kept(session)).unwrap_or_default()
}

/// Reads what the keyring kept.
pub(super) fn read_secret(bytes: &[u8]) -> Option<Session> {
    serde_json::from_slice::<FileSession>(bytes).ok().map(session_of)
}

fn kept(session: &Session) -> FileSession {
    FileSession {
        access_token: session.access_token.expose_secret().to_owned(),
        refresh_token: session.refresh_token.expose_secret().to_owned(),
        expires_at: session.expires_at,
        lifetime: session.lifetime,
        user_id: session.user.id.clone(),
        email: session.user.email.clone(),
    }
}

fn session_of(kept: FileSession) -> Session {
    Session {
        access_token: kept.access_token.into(),
        refresh_token: kept.refresh_token.into(),
        expires_at: kept.expires_at,
        lifetime: kept.lifetime,
        user: User { id: kept.user_id, email: kept.email },
    }
}

/// The bytes of a session file that says why there is no session any more.
pub(super) fn write_ended(project: &str, reason: &str) -> Vec<u8> {
    let ended = Some(reason.to_owned());
    let project = project.to_owned();
    serde_json::to_vec(&File { format: FORMAT, project, ended, ..File::default() }).unwrap_or_default()
}

/// Reads a session file's bytes.
pub(super) fn read_stored(bytes: &[u8], project: &str) -> Stored {
    let unusable = |problem: &str, damaged| Stored::Unusable { problem: problem.to_owned(), damaged };
    // The parser's own words could quote a token, so they are not passed on.
    let Ok(file) = serde_json::from_slice::<File>(bytes) else { return unusable("is damaged", true) };
    if file.format > FORMAT {
        return unusable("was written by a newer agent", false);
    }
    if file.project != project {
        return Stored::Nothing;
    }
    if let Some(pointer) = file.keyring {
        return Stored::InKeyring(User { id: pointer.user_id, email: pointer.email });
    }
    match (file.session, file.ended) {
        (Some(kept), _) => Stored::Session(Box::new(session_of(kept))),
        (None, Some(reason)) => Stored::Ended(reason),
        (None, None) => Stored::Nothing,
    }
}
