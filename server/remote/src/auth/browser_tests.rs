use serde_json::json;
use tempfile::TempDir;
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::testing::{granted, settings};

const PATIENCE: Duration = Duration::from_secs(60);

struct Scene {
    server: MockServer,
    auth: Auth,
    _home: TempDir,
}

impl Scene {
    async fn new() -> Self {
        let server = MockServer::start().await;
        let body = json!({ "external": { "github": true, "google": false, "email": true, "phone": true } });
        let known = ResponseTemplate::new(200).set_body_json(body);
        Mock::given(path("/auth/v1/settings")).respond_with(known).mount(&server).await;
        let home = TempDir::new().unwrap();
        let auth = Auth::new(&settings(&server.uri(), home.path())).unwrap();
        Self { server, auth, _home: home }
    }

    async fn begin(&self) -> BrowserSignIn {
        self.auth.sign_in_with_browser("github").await.unwrap()
    }

    async fn grants(&self, answer: ResponseTemplate, times: u64) {
        Mock::given(method("POST"))
            .and(path("/auth/v1/token"))
            .and(query_param("grant_type", "pkce"))
            .respond_with(answer)
            .expect(times)
            .mount(&self.server)
            .await;
    }
}

fn granting() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(granted("first", "r1", 3600))
}

fn query(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned()
}

/// A browser; it follows nothing and says what it was shown.
async fn visit(url: &str, host: Option<&str>) -> (u16, String) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.get(url);
    if let Some(host) = host {
        request = request.header("host", host);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["referrer-policy"], "no-referrer");
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn the_code_comes_back_with_its_verifier_and_the_page_tells_neither() {
    let scene = Scene::new().await;
    scene.grants(granting(), 1).await;
    let sign_in = scene.begin().await;
    let (url, challenge) = (sign_in.url().clone(), query(sign_in.url(), "code_challenge"));
    assert_eq!(query(&url, "provider"), "github");
    assert_eq!(query(&url, "code_challenge_method"), "s256");
    let back = query(&url, "redirect_to");
    assert!(back.starts_with("http://127.0.0.1:"), "{back}");
    let finished = tokio::spawn(sign_in.finish(PATIENCE));
    let (status, page) = visit(&format!("{back}?code=the-code"), None).await;
    assert_eq!(status, 200);
    assert!(page.contains("You are signed in") && !page.contains("the-code"), "{page}");
    assert_eq!(finished.await.unwrap().unwrap().email, "ann@example.com");
    assert_eq!(scene.auth.user().unwrap().email, "ann@example.com");

    let requests = scene.server.received_requests().await.unwrap();
    let exchange = requests.iter().find(|request| request.url.path() == "/auth/v1/token").unwrap();
    let body: serde_json::Value = serde_json::from_slice(&exchange.body).unwrap();
    assert_eq!(body["auth_code"], "the-code");
    let verifier = body["code_verifier"].as_str().unwrap();
    use base64::Engine as _;
    use sha2::Digest as _;
    let hash = sha2::Sha256::digest(verifier.as_bytes());
    assert_eq!(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash), challenge);

    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    assert!(client.get(format!("{back}?code=another")).send().await.is_err(), "the door is closed");
}

#[tokio::test]
async fn who_does_not_know_the_path_or_comes_by_another_name_changes_nothing() {
    let scene = Scene::new().await;
    scene.grants(granting(), 1).await;
    let sign_in = scene.begin().await;
    let back = Url::parse(&query(sign_in.url(), "redirect_to")).unwrap();
    let finished = tokio::spawn(sign_in.finish(PATIENCE));
    // A browser that opens a connection and says nothing on it.
    let _silent = tokio::net::TcpStream::connect(("127.0.0.1", back.port().unwrap())).await.unwrap();
    for wrong in ["/?code=evil", "/callback?code=evil", "/callback/guess?code=evil", "/favicon.ico"] {
        let url = back.join(wrong).unwrap();
        assert_eq!(visit(url.as_str(), None).await.0, 404, "{wrong}");
    }
    assert_eq!(visit(&format!("{back}?code=evil"), Some("evil.example.com")).await.0, 404);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let posted = client.post(format!("{back}?code=evil")).send().await.unwrap();
    assert_eq!(posted.status(), 404);
    assert_eq!(visit(&format!("{back}?code=good"), None).await.0, 200);
    finished.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_the_provider_or_the_project_refuses_is_said_and_stores_nothing() {
    let rows = [
        ("?error=access_denied&error_description=The+user+has+denied", None, "cancelled at the provider"),
        ("?error=server_error&error_code=flow_state_expired&error_description=x", None, "took too long"),
        ("?error=server_error&error_description=Unable+to+exchange", None, "Unable to exchange"),
        ("", None, "without a code"),
        ("?code=used", Some((404, "flow_state_not_found")), "start again"),
        ("?code=other", Some((400, "bad_code_verifier")), "start again"),
    ];
    for (back_with, refusal, words) in rows {
        let scene = Scene::new().await;
        if let Some((status, code)) = refusal {
            let body = json!({ "code": status, "error_code": code, "msg": "no" });
            scene.grants(ResponseTemplate::new(status).set_body_json(body), 1).await;
        }
        let sign_in = scene.begin().await;
        let back = query(sign_in.url(), "redirect_to");
        let finished = tokio::spawn(sign_in.finish(PATIENCE));
        let (_, page) = visit(&format!("{back}{back_with}"), None).await;
        assert!(page.contains("You are not signed in"), "{page}");
        let error = finished.await.unwrap().unwrap_err();
        assert!(matches!(&error, RemoteError::SignedOut(why) if why.contains(words)), "{error}");
        assert_eq!(scene.auth.user(), None);
    }
}

#[tokio::test]
async fn a_provider_that_the_project_does_not_know_is_not_tried() {
    let scene = Scene::new().await;
    for unknown in ["google", "email", "nonsense"] {
        let error = scene.auth.sign_in_with_browser(unknown).await.unwrap_err();
        assert!(error.to_string().contains("it has github"), "{error}");
    }
}

#[tokio::test]
async fn nobody_coming_back_ends_with_a_reason() {
    let scene = Scene::new().await;
    let error = scene.begin().await.finish(Duration::ZERO).await.unwrap_err();
    assert!(error.to_string().contains("nobody came back"), "{error}");
}

#[tokio::test]
async fn debug_output_tells_no_secret() {
    let scene = Scene::new().await;
    let sign_in = scene.begin().await;
    let shown = format!("{sign_in:?}");
    assert!(!shown.contains(sign_in.door.path.expose_secret()), "{shown}");
    assert!(!shown.contains(sign_in.verifier.secret().expose_secret()), "{shown}");
}
