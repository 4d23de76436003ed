use std::path::Path;

use keyring_core::mock;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tempfile::TempDir;
use wiremock::MockServer;

use super::*;
use crate::auth::Auth;
use crate::testing::{grant_password, grant_refresh, settings};
use crate::{Settings, SignedOut};

struct Scene {
    server: MockServer,
    home: TempDir,
    store: Arc<mock::Store>,
}

impl Scene {
    async fn new() -> Self {
        let server = MockServer::start().await;
        grant_password(&server, 3600).await;
        Self { server, home: TempDir::new().unwrap(), store: mock::Store::new().unwrap() }
    }

    fn settings(&self) -> Settings {
        settings(&self.server.uri(), self.home.path())
    }

    /// Another process.
    fn auth(&self, used: Use) -> Auth {
        let mut settings = self.settings();
        settings.keyring = Keyring::of(self.store.clone(), used);
        Auth::new(&settings).unwrap()
    }

    fn entries(&self) -> Vec<Arc<mock::Cred>> {
        self.store.inner.lock().unwrap().borrow().clone()
    }

    /// The next thing done with the keyring fails, as a locked one does.
    fn lock(&self) {
        for entry in self.entries() {
            entry.set_error(Error::NoStorageAccess("it is locked".into()));
        }
    }

    fn file(&self) -> String {
        let folder = std::fs::read_dir(self.home.path().join("sessions")).unwrap();
        let is_json = |path: &Path| path.extension().is_some_and(|extension| extension == "json");
        let path = folder.map(|entry| entry.unwrap().path()).find(|path| is_json(path)).unwrap();
        std::fs::read_to_string(path).unwrap()
    }

    fn edit_file(&self, edit: impl FnOnce(&mut Value)) {
        let folder = self.home.path().join("sessions");
        let host = self.settings().host().replace(':', "_");
        let path = folder.join(format!("{host}.json"));
        let mut file: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        edit(&mut file);
        std::fs::write(path, file.to_string()).unwrap();
    }
}

async fn sign_in(auth: &Auth) {
    auth.sign_in("ann@example.com", "hunter2".into()).await.unwrap();
}

async fn token(auth: &Auth) -> String {
    auth.access_token().await.unwrap().expose_secret().to_owned()
}

#[tokio::test]
async fn the_tokens_are_in_the_keyring_and_the_file_says_only_whose_they_are() {
    let scene = Scene::new().await;
    let here = scene.auth(Use::IfThere);
    sign_in(&here).await;
    let file = scene.file();
    assert!(file.contains("ann@example.com"), "{file}");
    assert!(!file.contains("first") && !file.contains("r1"), "{file}");
    assert_eq!(here.kept(), Some("keyring"));
    assert_eq!(token(&here).await, "first");

    let there = scene.auth(Use::IfThere);
    assert_eq!(token(&there).await, "first");
    // Looking who is signed in asks no keyring, which could ask a person.
    scene.lock();
    assert_eq!(scene.auth(Use::IfThere).user().unwrap().email, "ann@example.com");
    let _ = scene.auth(Use::IfThere).access_token().await;

    let _: SignedOut = here.sign_out().await.unwrap();
    assert_eq!(there.user(), None);
    let left = scene.entries().iter().any(|entry| entry.inner.lock().unwrap().borrow().secret.is_some());
    assert!(!left, "the keyring forgot it too");
}

#[tokio::test]
async fn a_renewed_session_of_a_file_moves_into_the_keyring_and_every_process_sees_it() {
    let scene = Scene::new().await;
    grant_refresh(&scene.server, 1).await;
    let old = scene.auth(Use::Off);
    sign_in(&old).await;
    assert_eq!(old.kept(), Some("file"));
    assert!(scene.entries().is_empty(), "off means untouched");

    let new = scene.auth(Use::IfThere);
    assert_eq!(token(&new).await, "first", "the file's session serves until it is renewed");
    scene.edit_file(|file| file["session"]["expires_at"] = 0.into());
    assert_eq!(token(&new).await, "second");
    assert_eq!(new.kept(), Some("keyring"));
    assert!(!scene.file().contains("second"), "{}", scene.file());
    assert_eq!(token(&scene.auth(Use::IfThere)).await, "second", "nobody renews it again");
}

#[tokio::test]
async fn a_keyring_that_takes_nothing_leaves_the_session_in_a_file_unless_it_is_required() {
    let scene = Scene::new().await;
    sign_in(&scene.auth(Use::IfThere)).await;
    scene.lock();
    let here = scene.auth(Use::IfThere);
    sign_in(&here).await;
    assert_eq!(here.kept(), Some("file"));
    assert_eq!(token(&scene.auth(Use::IfThere)).await, "first");

    scene.lock();
    let strict = scene.auth(Use::Required);
    let error = strict.sign_in("ann@example.com", "hunter2".into()).await.unwrap_err().to_string();
    assert!(error.contains("AGENT_KEYRING is on") && error.contains("it is locked"), "{error}");
}

#[tokio::test]
async fn a_locked_keyring_ends_no_session_and_is_not_asked_again_at_once() {
    let scene = Scene::new().await;
    sign_in(&scene.auth(Use::IfThere)).await;
    let here = scene.auth(Use::IfThere);
    scene.lock();
    for _ in 0..2 {
        // The second time the keyring would answer, but a person who dismissed it is left alone.
        let error = here.access_token().await.unwrap_err().to_string();
        assert!(error.contains("it is locked") && error.contains("unlock it"), "{error}");
    }
    assert_eq!(here.user().unwrap().email, "ann@example.com");
    assert_eq!(token(&scene.auth(Use::IfThere)).await, "first", "unlocked, it is all there");

    let error = scene.auth(Use::Off).access_token().await.unwrap_err().to_string();
    assert!(error.contains("AGENT_KEYRING is off"), "{error}");
}

#[tokio::test]
async fn homes_do_not_share_entries() {
    let scene = Scene::new().await;
    sign_in(&scene.auth(Use::IfThere)).await;
    let home = TempDir::new().unwrap();
    let mut settings = settings(&scene.server.uri(), home.path());
    settings.keyring = Keyring::of(scene.store.clone(), Use::IfThere);
    let other = Auth::new(&settings).unwrap();
    sign_in(&other).await;
    assert_eq!(scene.entries().len(), 2);
    let _: SignedOut = other.sign_out().await.unwrap();
    assert_eq!(token(&scene.auth(Use::IfThere)).await, "first");
}

#[test]
fn the_setting_is_read_and_nonsense_is_refused() {
    let home = TempDir::new().unwrap();
    let used = |value: Option<&str>| {
        let env = |name: &str| value.filter(|_| name == "AGENT_KEYRING").map(str::to_owned);
        let settings = settings("http://127.0.0.1:1", home.path()).with_environment(&env);
        settings.map(|settings| settings.keyring.used).map_err(|error| error.to_string())
    };
    assert_eq!(used(None), Ok(Use::IfThere));
    assert_eq!(used(Some("off")), Ok(Use::Off));
    assert_eq!(used(Some("on")), Ok(Use::Required));
    assert!(used(Some("maybe")).unwrap_err().contains("auto"));
}
