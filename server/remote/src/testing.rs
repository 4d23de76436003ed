//! What several of this crate's tests need: settings for a local server and sessions it granted.

use std::path::Path;

use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;
use wiremock::matchers::{body_json, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::{Auth, Settings};

pub(crate) const USER: &str = "00000000-0000-4000-8000-000000000001";
pub(crate) const TEAM: Uuid = Uuid::from_u128(0x42);

pub(crate) fn settings(url: &str, home: &Path) -> Settings {
    let url = Url::parse(url).expect("a valid address");
    Settings::new(url, "sb_publishable_test".into(), TEAM, home.to_owned(), "agent/0.1.0")
        .expect("valid settings")
}

pub(crate) fn granted(access: &str, refresh: &str, expires_in: i64) -> Value {
    json!({
        "access_token": access, "refresh_token": refresh, "token_type": "bearer",
        "expires_in": expires_in, "expires_at": 1, "user": { "id": USER, "email": "ann@example.com" },
    })
}

/// Answers sign-ins with the access token `first`.
pub(crate) async fn grant_password(server: &MockServer, expires_in: i64) {
    Mock::given(method("POST"))
        .and(path("/auth/v1/token"))
        .and(query_param("grant_type", "password"))
        .respond_with(ResponseTemplate::new(200).set_body_json(granted("first", "r1", expires_in)))
        .mount(server)
        .await;
}

/// Answers refreshes with the access token `second`, exactly this often.
pub(crate) async fn grant_refresh(server: &MockServer, times: u64) {
    Mock::given(method("POST"))
        .and(path("/auth/v1/token"))
        .and(query_param("grant_type", "refresh_token"))
        .respond_with(ResponseTemplate::new(200).set_body_json(granted("second", "r2", 3600)))
        .expect(times)
        .mount(server)
        .await;
}

/// The topic at which the tests' team has its channel.
pub(crate) fn topic() -> String {
    format!("team:{TEAM}:epoch")
}

/// Answers where the channel is.
pub(crate) async fn tell_channel(server: &MockServer) {
    Mock::given(method("POST"))
        .and(path("/rest/v1/rpc/team_channel"))
        .and(body_json(json!({ "team": TEAM })))
        .respond_with(ResponseTemplate::new(200).set_body_json(topic()))
        .mount(server)
        .await;
}

/// A session whose access token is `first`.
pub(crate) async fn signed_in(server: &MockServer, home: &Path) -> Auth {
    grant_password(server, 3600).await;
    let auth = Auth::new(&settings(&server.uri(), home)).unwrap();
    auth.sign_in("ann@example.com", "hunter2".into()).await.unwrap();
    auth
}
