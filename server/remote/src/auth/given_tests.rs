use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret as _;
use serde_json::json;
use tempfile::TempDir;
use wiremock::matchers::{body_json, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::auth::unix_now;
use crate::testing::{USER, granted, settings};
use crate::{Auth, SignedOut};

fn token(claims: &serde_json::Value) -> String {
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", part(&json!({ "alg": "HS256" })), part(claims), URL_SAFE_NO_PAD.encode("signed"))
}

fn user_token(seconds_left: i64) -> String {
    let exp = unix_now() + seconds_left;
    token(&json!({ "role": "authenticated", "sub": USER, "email": "ann@example.com", "exp": exp }))
}

struct Scene {
    server: MockServer,
    home: TempDir,
    env: Vec<(&'static str, String)>,
}

impl Scene {
    async fn with(env: &[(&'static str, &str)]) -> Self {
        let env = env.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { server: MockServer::start().await, home: TempDir::new().unwrap(), env }
    }

    fn auth(&self) -> Result<Auth, RemoteError> {
        let env = |name: &str| self.env.iter().find(|(known, _)| *known == name).map(|(_, v)| v.clone());
        Auth::new(&settings(&self.server.uri(), self.home.path()).with_environment(&env)?)
    }

    async fn renews(&self, answer: ResponseTemplate, times: u64) {
        Mock::given(path("/auth/v1/token"))
            .and(query_param("grant_type", "refresh_token"))
            .and(body_json(json!({ "refresh_token": "given" })))
            .respond_with(answer)
            .expect(times)
            .mount(&self.server)
            .await;
    }

    fn is_untouched(&self) -> bool {
        std::fs::read_dir(self.home.path()).unwrap().next().is_none()
    }
}

#[tokio::test]
async fn keys_and_other_tokens_are_refused_with_the_reason() {
    let jwt = |role: &str| token(&json!({ "role": role, "exp": 1 }));
    let rows = [
        ("sb_secret_abc".to_owned(), "bypasses every access rule"),
        (jwt("service_role"), "bypasses every access rule"),
        (jwt("supabase_admin"), "bypasses every access rule"),
        ("sb_publishable_abc".to_owned(), "publishable key"),
        (jwt("anon"), "anon key"),
        ("sbp_0123".to_owned(), "managing Supabase projects"),
        ("two words".to_owned(), "copy it again"),
    ];
    for (value, words) in &rows {
        for name in [ACCESS_TOKEN, REFRESH_TOKEN] {
            let error = Scene::with(&[(name, value)]).await.auth().unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(words), "{error}");
            assert!(!error.contains(value), "{error}");
        }
    }
    let odd = [("no-token-at-all", "no access token"), (&*token(&json!({ "sub": "x" })), "names no user")];
    for (value, words) in odd {
        let error = Scene::with(&[(ACCESS_TOKEN, value)]).await.auth().unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let error = Scene::with(&[(REFRESH_TOKEN, &user_token(9))]).await.auth().unwrap_err().to_string();
    assert!(error.contains("is an access token"), "{error}");
}

#[tokio::test]
async fn an_access_token_is_used_to_its_end_and_then_says_so() {
    let scene = Scene::with(&[(ACCESS_TOKEN, &format!("  {}\n", user_token(30)))]).await;
    let auth = scene.auth().unwrap();
    assert_eq!(auth.user().unwrap().email, "ann@example.com");
    assert_eq!(auth.given_by(), Some(ACCESS_TOKEN));
    assert!(auth.access_token().await.unwrap().expose_secret().starts_with("ey"));

    let over = Scene::with(&[(ACCESS_TOKEN, &user_token(-5))]).await;
    let error = over.auth().unwrap().access_token().await.unwrap_err();
    assert!(
        matches!(&error, RemoteError::SignedOut(why) if why.contains("AGENT_ACCESS_TOKEN ended at")),
        "{error}"
    );
    assert!(scene.is_untouched() && over.is_untouched());
}

#[tokio::test]
async fn a_refused_access_token_is_not_tried_for_ever() {
    let scene = Scene::with(&[(ACCESS_TOKEN, &user_token(3000))]).await;
    let auth = scene.auth().unwrap();
    let token = auth.access_token().await.unwrap();
    auth.invalidate(&token);
    let error = auth.access_token().await.unwrap_err();
    assert!(matches!(&error, RemoteError::SignedOut(why) if why.contains("does not accept")), "{error}");
}

#[tokio::test]
async fn a_refresh_token_gives_sessions_in_memory_alone_and_is_used_again_itself() {
    let scene = Scene::with(&[(REFRESH_TOKEN, "given")]).await;
    // Over at once, so that each use renews: always with the token that was given.
    scene.renews(ResponseTemplate::new(200).set_body_json(granted("second", "rotated", 1)), 2).await;
    let auth = scene.auth().unwrap();
    assert_eq!(auth.user(), None, "nobody was asked yet");
    let first = auth.access_token().await.unwrap();
    assert_eq!(auth.user().unwrap().email, "ann@example.com");
    auth.invalidate(&first);
    auth.access_token().await.unwrap();
    assert!(scene.is_untouched(), "nothing is written");
}

#[tokio::test]
async fn a_refresh_token_that_is_over_says_so_and_a_server_in_trouble_does_not_end_it() {
    let scene = Scene::with(&[(REFRESH_TOKEN, "given")]).await;
    let over = json!({ "code": 400, "error_code": "refresh_token_not_found", "msg": "gone" });
    scene.renews(ResponseTemplate::new(400).set_body_json(over), 1).await;
    let error = scene.auth().unwrap().access_token().await.unwrap_err();
    assert!(matches!(&error, RemoteError::SignedOut(why) if why.contains(REFRESH_TOKEN)), "{error}");

    let down = Scene::with(&[(REFRESH_TOKEN, "given")]).await;
    down.renews(ResponseTemplate::new(503), 1).await;
    assert!(down.auth().unwrap().access_token().await.unwrap_err().is_retryable());
}

#[tokio::test]
async fn neither_signing_in_nor_out_touches_what_the_environment_gives() {
    let scene = Scene::with(&[(ACCESS_TOKEN, &user_token(3000))]).await;
    let auth = scene.auth().unwrap();
    for error in [
        auth.sign_in("ann@example.com", "x".into()).await.map(drop).unwrap_err(),
        auth.send_code("ann@example.com").await.unwrap_err(),
        auth.sign_in_with_browser("github").await.map(drop).unwrap_err(),
        auth.sign_out().await.map(|_: SignedOut| ()).unwrap_err(),
    ] {
        assert!(matches!(&error, RemoteError::Misconfigured(why) if why.contains("unset it")), "{error}");
    }
    assert!(scene.server.received_requests().await.unwrap().is_empty());
    assert!(!format!("{auth:?}").contains(&scene.env[0].1), "{auth:?}");
}
