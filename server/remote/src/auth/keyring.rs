//! The system's keyring: the macOS Keychain, the Windows Credential Manager, the Secret Service of a
//! Linux desktop. It keeps the two tokens of a session; everything else about it stays in the session
//! file ([`super::store`]), so that looking who is signed in asks for no permission. A keyring may be
//! locked, ask its owner, or hang: every call is done on a thread of its own and waited for only so
//! long. Where there is none at all, that is found out without trying.

use std::sync::Arc;
use std::time::Duration;

use keyring_core::{CredentialStore, Error};
use tokio::sync::oneshot;

/// The name under which the keyring shows our entries.
const SERVICE: &str = "agent";
/// How long a call may take: somebody may have to type the keyring's password.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether sessions go into the keyring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Use {
    /// Never touched.
    #[default]
    Off,
    /// If there is one, a file otherwise.
    IfThere,
    /// Or not at all.
    Required,
}

/// What went wrong, for people.
type Problem = String;

/// The keyring; opened at its first use.
#[derive(Debug, Clone)]
pub(crate) struct Keyring {
    pub(crate) used: Use,
    /// Another than the system's.
    store: Option<Arc<CredentialStore>>,
}

impl Keyring {
    pub(crate) fn of_system(used: Use) -> Self {
        Self { used, store: None }
    }

    #[cfg(test)]
    pub(crate) fn of(store: Arc<CredentialStore>, used: Use) -> Self {
        Self { used, store: Some(store) }
    }

    /// The entry's content; `None` when there is no such entry.
    pub(super) async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Problem> {
        let name = name.to_owned();
        self.call(move |store| match store.build(SERVICE, &name, None)?.get_secret() {
            Ok(secret) => Ok(Some(secret)),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    /// Puts the content into the entry, in place of what was there.
    pub(super) async fn set(&self, name: &str, secret: Vec<u8>) -> Result<(), Problem> {
        let name = name.to_owned();
        self.call(move |store| store.build(SERVICE, &name, None)?.set_secret(&secret)).await
    }

    /// Removes the entry; it need not be there.
    pub(super) async fn remove(&self, name: &str) -> Result<(), Problem> {
        let name = name.to_owned();
        self.call(move |store| match store.build(SERVICE, &name, None)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(error),
        })
        .await
    }

    /// Does something with the keyring on a thread of its own, which is left to itself when it takes
    /// too long.
    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&CredentialStore) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Problem> {
        let known = self.store.clone();
        if known.is_none() {
            system::is_there()?;
        }
        let (done, outcome) = oneshot::channel();
        std::thread::spawn(move || {
            let result = known.map_or_else(system::open, Ok).and_then(|store| work(&*store));
            // Nobody waits for it any more, if so.
            let _ = done.send(result.map_err(|error| said(&error)));
        });
        match tokio::time::timeout(PATIENCE, outcome).await {
            Ok(Ok(result)) => result,
            _ => Err(format!("it did not answer within {} s", PATIENCE.as_secs())),
        }
    }
}

/// The keyring's words. Some of its errors hold the secret, so not all are passed on.
fn said(error: &Error) -> Problem {
    match error {
        Error::PlatformFailure(cause) | Error::NoStorageAccess(cause) => cause.to_string(),
        Error::TooLong(what, most) => format!("the {what} is too long for it, which takes {most} bytes"),
        Error::NotSupportedByStore(what) => what.clone(),
        _ => "it cannot be used".to_owned(),
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
mod system {
    use super::{Arc, CredentialStore, Error, Problem};

    /// Without a session bus there is no Secret Service, and asking for one could start a bus or wait.
    pub(super) fn is_there() -> Result<(), Problem> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let socket = set("XDG_RUNTIME_DIR").map(|folder| std::path::Path::new(&folder).join("bus"));
        match set("DBUS_SESSION_BUS_ADDRESS").is_some() || socket.is_some_and(|socket| socket.exists()) {
            true => Ok(()),
            false => Err("there is no desktop session (no D-Bus session bus)".to_owned()),
        }
    }

    pub(super) fn open() -> Result<Arc<CredentialStore>, Error> {
        let store: Arc<CredentialStore> = zbus_secret_service_keyring_store::Store::new()?;
        Ok(store)
    }
}

#[cfg(target_os = "macos")]
mod system {
    use super::{Arc, CredentialStore, Error, Problem};

    pub(super) fn is_there() -> Result<(), Problem> {
        Ok(())
    }

    pub(super) fn open() -> Result<Arc<CredentialStore>, Error> {
        let store: Arc<CredentialStore> = apple_native_keyring_store::keychain::Store::new()?;
        Ok(store)
    }
}

#[cfg(windows)]
mod system {
    use super::{Arc, CredentialStore, Error, Problem};

    pub(super) fn is_there() -> Result<(), Problem> {
        Ok(())
    }

    pub(super) fn open() -> Result<Arc<CredentialStore>, Error> {
        let store: Arc<CredentialStore> = windows_native_keyring_store::Store::new()?;
        Ok(store)
    }
}

#[cfg(test)]
#[path = "keyring_tests.rs"]
mod tests;
