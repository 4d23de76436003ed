//! The session file: one per project, readable by its owner only, replaced atomically, and changed
//! only under a lock that all processes of the machine share. The tokens themselves go into the
//! keyring where there is one. What the bytes mean is in [`super::wire`]; when they change is decided
//! in [`super`].

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use agent_core::id::ContentHash;
use agent_core::ports::RemoteError;

use super::keyring::{Keyring, Use};
use super::wire::{self, Stored};
use super::{Session, User};
use crate::settings::Settings;

/// A holder keeps the lock for one request of at most 30 s, so this is reached only when it hangs.
const LONGEST_WAIT: Duration = Duration::from_secs(40);
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(50);

/// Where one project's session is kept.
#[derive(Debug, Clone)]
pub(super) struct SessionFile {
    project: String,
    path: PathBuf,
    lock: PathBuf,
    keyring: Keyring,
    /// The keyring's entry: another one for each home, as each has a file of its own.
    entry: String,
}

/// The right to change the session file; gone when dropped, and when the process dies.
#[derive(Debug)]
pub(super) struct Locked(#[expect(dead_code, reason = "holding the open file is holding the lock")] File);

impl SessionFile {
    pub(super) fn new(settings: &Settings) -> Self {
        let project = settings.url().as_str().to_owned();
        let folder = settings.home.join("sessions");
        let name = file_name(settings);
        let path = folder.join(format!("{name}.json"));
        let lock = folder.join(format!("{name}.lock"));
        let entry = format!("{project} ({})", folder.display());
        Self { project, path, lock, keyring: settings.keyring.clone(), entry }
    }

    /// What is stored, and the hash of the bytes it was read from (`None`: there is no file).
    pub(super) fn read(&self) -> Result<(Option<ContentHash>, Stored), RemoteError> {
        match fs::read(&self.path) {
            Ok(bytes) => Ok((Some(ContentHash::of(&bytes)), wire::read_stored(&bytes, &self.project))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((None, Stored::Nothing)),
            Err(error) => Err(self.unusable("read", &self.path, &error)),
        }
    }

    /// What is stored, with the session out of the keyring where it is there. The error of a keyring
    /// that does not give it says what to do; the session is as good as it was.
    pub(super) async fn load(&self) -> Result<(Option<ContentHash>, Stored), RemoteError> {
        let (seen, stored) = self.read()?;
        if !matches!(stored, Stored::InKeyring(_)) {
            return Ok((seen, stored));
        }
        let cannot = |why: &str| {
            RemoteError::SignedOut(format!(
                "the session for {} is in the system's keyring, which cannot be read ({why}); unlock it, or sign in again",
                self.project
            ))
        };
        if self.keyring.used == Use::Off {
            return Err(cannot("AGENT_KEYRING is off"));
        }
        let secret = self.keyring.get(&self.entry).await.map_err(|why| cannot(&why))?;
        let session = secret.as_deref().and_then(wire::read_secret);
        Ok((seen, session.map_or(Stored::Nothing, |session| Stored::Session(Box::new(session)))))
    }

    /// The stored user, `None` when there is no usable session. Asks no keyring.
    pub(super) fn user(&self) -> Option<User> {
        match self.read() {
            Ok((_, Stored::Session(session))) => Some(session.user),
            Ok((_, Stored::InKeyring(user))) => Some(user),
            _ => None,
        }
    }

    /// Where the session is kept; `None` when there is none.
    pub(super) fn kept(&self) -> Option<&'static str> {
        match self.read() {
            Ok((_, Stored::Session(_))) => Some("file"),
            Ok((_, Stored::InKeyring(_))) => Some("keyring"),
            _ => None,
        }
    }

    /// Stores a session in place of what was there; returns the hash of the file's new bytes.
    pub(super) async fn save(&self, _: &Locked, session: &Session) -> Result<ContentHash, RemoteError> {
        if self.keyring.used == Use::Off {
            return self.replace(&wire::write_session(&self.project, session));
        }
        let secret = wire::write_secret(session);
        match self.keyring.set(&self.entry, secret.clone()).await {
            Ok(()) => self.replace(&wire::write_pointer(&self.project, &session.user, &secret)),
            Err(why) if self.keyring.used == Use::Required => Err(RemoteError::Misconfigured(format!(
                "AGENT_KEYRING is on, and the system's keyring does not take the session: {why}"
            ))),
            Err(why) => {
                tracing::debug!(why, "the session goes into a file, not into the keyring");
                self.replace(&wire::write_session(&self.project, session))
            }
        }
    }

    /// Stores that, and why, the session is over.
    pub(super) async fn save_ended(&self, _: &Locked, reason: &str) -> Result<ContentHash, RemoteError> {
        self.forget_secret().await;
        self.replace(&wire::write_ended(&self.project, reason))
    }

    /// Forgets the session.
    pub(super) async fn remove(&self, _: &Locked) -> Result<(), RemoteError> {
        self.forget_secret().await;
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(self.unusable("removed", &self.path, &error))
            }
            _ => Ok(()),
        }
    }

    /// Without its file, what the keyring still has is used by nobody.
    async fn forget_secret(&self) {
        if self.keyring.used == Use::Off || !matches!(self.read(), Ok((_, Stored::InKeyring(_)))) {
            return;
        }
        if let Err(why) = self.keyring.remove(&self.entry).await {
            tracing::warn!(why, "the session could not be removed from the system's keyring");
        }
    }

    /// Renames a file nobody can read, so that it can be looked at and is in nobody's way; returns
    /// its new name.
    pub(super) fn move_aside(&self, stamp: i64) -> Option<PathBuf> {
        let aside = self.path.with_extension(format!("damaged-{stamp}"));
        fs::rename(&self.path, &aside).ok().map(|()| aside)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits, for a bounded time, until no other process changes the session.
    pub(super) async fn lock(&self) -> Result<Locked, RemoteError> {
        let give_up_at = tokio::time::Instant::now() + LONGEST_WAIT;
        loop {
            let this = self.clone();
            let attempt = tokio::task::spawn_blocking(move || this.try_lock()).await;
            match attempt.map_err(|error| RemoteError::Protocol(error.to_string()))?? {
                Some(locked) => return Ok(locked),
                None if tokio::time::Instant::now() >= give_up_at => {
                    return Err(RemoteError::Busy {
                        detail: format!(
                            "another agent process has been renewing the session for {} s (it holds {})",
                            LONGEST_WAIT.as_secs(),
                            self.lock.display()
                        ),
                        retry_after: None,
                    });
                }
                None => tokio::time::sleep(BETWEEN_ATTEMPTS).await,
            }
        }
    }

    fn try_lock(&self) -> Result<Option<Locked>, RemoteError> {
        self.make_folder()?;
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        owner_only(&mut options);
        let file = options.open(&self.lock).map_err(|error| self.unusable("opened", &self.lock, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Locked(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(self.unusable("locked", &self.lock, &error)),
        }
    }

    /// Writes a new file beside the old one and renames it, so that a reader sees one or the other
    /// and a power cut leaves one or the other.
    fn replace(&self, bytes: &[u8]) -> Result<ContentHash, RemoteError> {
        self.make_folder()?;
        // Under the lock nobody else writes, so one name will do; a crash leaves it for the next.
        let temporary = self.path.with_extension("new");
        let write = || -> io::Result<()> {
            remove_if_there(&temporary)?;
            let mut options = OpenOptions::new();
            options.create_new(true).write(true);
            owner_only(&mut options);
            let mut file = options.open(&temporary)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, &self.path)
        };
        write().map_err(|error| self.unusable("written", &self.path, &error))?;
        Ok(ContentHash::of(bytes))
    }

    fn make_folder(&self) -> Result<(), RemoteError> {
        let Some(folder) = self.path.parent() else { return Ok(()) };
        if folder.is_dir() {
            return Ok(());
        }
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(|error| self.unusable("created", folder, &error))
    }

    fn unusable(&self, what: &str, path: &Path, error: &io::Error) -> RemoteError {
        RemoteError::Misconfigured(format!(
            "{} cannot be {what}: {error}; fix its permissions, or set AGENT_HOME to a folder that can be written",
            path.display()
        ))
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn owner_only(options: &mut OpenOptions) {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
}

/// On Windows the folder in the user's profile is already the user's own.
#[cfg(not(unix))]
fn owner_only(_: &mut OpenOptions) {}

/// A name people recognise: the host, its port, and for a project below a path a hash of the rest,
/// since a path cannot be a file name.
fn file_name(settings: &Settings) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' };
    let mut name: String = settings.host().chars().map(safe).collect();
    if settings.url().path() != "/" {
        let hash = ContentHash::of(settings.url().as_str().as_bytes()).to_string();
        name.push('-');
        name.push_str(&hash[..8]);
    }
    name
}
