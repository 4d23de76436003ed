//! Where the team's project is and which key opens its door. Validates both, once, so that nothing
//! later has to: no token travels in clear, and no key that bypasses row level security is used.
//! Reading a configuration file or the environment is left to the caller.

use std::path::PathBuf;

use agent_core::ports::RemoteError;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};
use uuid::Uuid;

use crate::auth::given::Given;
use crate::auth::keyring::{Keyring, Use};
use crate::jwt;

/// A validated description of the remote.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The project's address, ending in a slash: `https://<ref>.supabase.co/`.
    pub(crate) url: Url,
    /// The publishable (`sb_publishable_…`) or legacy anon key. It opens nothing by itself.
    pub(crate) anon_key: SecretString,
    /// The team everything is about.
    pub(crate) team: Uuid,
    /// The Realtime service, `ws:` or `wss:`, without the closing `/websocket`.
    pub(crate) realtime_url: Url,
    /// The folder of the session files' folder.
    pub(crate) home: PathBuf,
    /// How this program names itself to the server, such as `agent/0.1.0`.
    pub(crate) client: String,
    /// A session given in the environment, which counts over any that is stored.
    pub(crate) given: Option<Given>,
    /// Where the tokens of a session are kept rather than in its file.
    pub(crate) keyring: Keyring,
}

impl Settings {
    /// Checks and keeps the settings. `home` is the folder below which sessions are stored
    /// (`sessions/<host>.json`); `client` is sent as the user agent.
    ///
    /// # Errors
    /// [`RemoteError::Misconfigured`] when the address is not `https` (or `http` on this machine),
    /// or the key is one that must never leave a server.
    pub fn new(
        url: Url,
        anon_key: SecretString,
        team: Uuid,
        home: PathBuf,
        client: impl Into<String>,
    ) -> Result<Self, RemoteError> {
        let url = as_folder(url);
        check_address("remote.url", &url, "https", "http")?;
        check_key(anon_key.expose_secret())?;
        let realtime_url = realtime_of(&url)?;
        Ok(Self {
            url,
            anon_key,
            team,
            realtime_url,
            home,
            client: client.into(),
            given: None,
            keyring: Keyring::of_system(Use::Off),
        })
    }

    /// Uses another address for Realtime than `<url>/realtime/v1`, as self-hosted and local servers
    /// need. `http` and `https` are taken for `ws` and `wss`; `None` changes nothing.
    ///
    /// The signed-in person's token goes there, and the address comes from a file that everybody in
    /// the team can change: so only the project's own host will do.
    ///
    /// # Errors
    /// [`RemoteError::Misconfigured`] when tokens would travel in clear to another machine, or to
    /// another host than the project's.
    pub fn with_realtime_url(mut self, url: Option<Url>) -> Result<Self, RemoteError> {
        let Some(url) = url else { return Ok(self) };
        let url = as_websocket(as_folder(url))?;
        check_address("remote.realtime_url", &url, "wss", "ws")?;
        if url.host() != self.url.host() && !(is_loopback(&url) && is_loopback(&self.url)) {
            return Err(RemoteError::Misconfigured(format!(
                "remote.realtime_url names the host {}, remote.url the host {}: whoever signs in would send their session to it; use the host of remote.url (the port may differ)",
                url.host_str().unwrap_or("?"),
                self.url.host_str().unwrap_or("?"),
            )));
        }
        self.realtime_url = url;
        Ok(self)
    }

    /// Takes what the environment says about signing in (docs/sign-in.md); `env` answers a variable.
    /// Without this no keyring is used.
    ///
    /// # Errors
    /// [`RemoteError::Misconfigured`] for a key or token that is no user's session.
    pub fn with_environment(mut self, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, RemoteError> {
        self.given = Given::read(env)?;
        self.keyring = Keyring::of_system(match env("AGENT_KEYRING").as_deref() {
            None | Some("" | "auto") => Use::IfThere,
            Some("off") => Use::Off,
            Some("on") => Use::Required,
            Some(other) => {
                return Err(RemoteError::Misconfigured(format!(
                    "AGENT_KEYRING is {other:?}; it takes auto (as if unset), on or off"
                )));
            }
        });
        Ok(self)
    }

    /// The same project for another team.
    pub fn with_team(mut self, team: Uuid) -> Self {
        self.team = team;
        self
    }

    /// The project's address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The team.
    pub fn team(&self) -> Uuid {
        self.team
    }

    /// The project's host, with its port where it is not the usual one: how messages name it.
    pub fn host(&self) -> String {
        host_of(&self.url)
    }
}

/// The host and, where it is not the scheme's own, the port.
pub(crate) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or("?");
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Whether the address is on this machine, by its literal name: nothing is looked up.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        // RFC 6761 §6.3 reserves the name and everything below it for this machine.
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// Relative paths are resolved below the address, so it must end in a slash; a query or fragment
/// would end up in every request.
fn as_folder(mut url: Url) -> Url {
    url.set_query(None);
    url.set_fragment(None);
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url
}

fn as_websocket(mut url: Url) -> Result<Url, RemoteError> {
    let scheme = match url.scheme() {
        "https" | "wss" => "wss",
        "http" | "ws" => "ws",
        other => return Err(bad_scheme("remote.realtime_url", other, "wss")),
    };
    url.set_scheme(scheme).map_err(|()| bad_scheme("remote.realtime_url", scheme, "wss"))?;
    Ok(url)
}

fn realtime_of(url: &Url) -> Result<Url, RemoteError> {
    let below = url
        .join("realtime/v1/")
        .map_err(|error| RemoteError::Misconfigured(format!("remote.url {url}: {error}")))?;
    as_websocket(below)
}

fn check_address(name: &str, url: &Url, secure: &str, plain: &str) -> Result<(), RemoteError> {
    let misconfigured = |text: String| Err(RemoteError::Misconfigured(text));
    if url.host().is_none() {
        return misconfigured(format!("{name} {url}: there is no host in it"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return misconfigured(format!(
            "{name} for {} must not hold a user name or password: remove the part before the @",
            host_of(url)
        ));
    }
    if url.scheme() == secure {
        return Ok(());
    }
    if url.scheme() != plain {
        return Err(bad_scheme(name, url.scheme(), secure));
    }
    if !is_loopback(url) {
        return misconfigured(format!(
            "{name} {url}: tokens would travel unencrypted; use {secure}:// ({plain}:// is only for a server on this machine)"
        ));
    }
    Ok(())
}

fn bad_scheme(name: &str, found: &str, secure: &str) -> RemoteError {
    RemoteError::Misconfigured(format!("{name}: {found}:// is not supported; use {secure}://"))
}

fn check_key(key: &str) -> Result<(), RemoteError> {
    let refuse = |problem: &str| {
        Err(RemoteError::Misconfigured(format!(
            "remote.anon_key {problem}; use the project's publishable (anon) key, and replace this one if it was ever shared"
        )))
    };
    if key.trim().is_empty() {
        return Err(RemoteError::Misconfigured(
            "remote.anon_key is empty; use the project's publishable (anon) key".to_owned(),
        ));
    }
    // A header or query value must not be split in two by the key.
    if !key.chars().all(|c| c.is_ascii_graphic()) {
        return Err(RemoteError::Misconfigured(
            "remote.anon_key holds spaces, line breaks or other characters no key has; copy it again"
                .to_owned(),
        ));
    }
    if key.starts_with("sb_secret_") {
        return refuse("is a secret key, which bypasses every access rule of the database");
    }
    match jwt::role(key).as_deref() {
        Some("service_role" | "supabase_admin") => {
            refuse("is a service-role key, which bypasses every access rule of the database")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
