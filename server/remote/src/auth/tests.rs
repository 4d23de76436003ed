use std::path::Path;

use serde_json::json;
use tempfile::TempDir;
use wiremock::matchers::{body_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::testing::{USER, grant_password, grant_refresh, granted, settings, signed_in};

async fn server() -> (MockServer, TempDir) {
    (MockServer::start().await, TempDir::new().unwrap())
}

fn auth(server: &MockServer, home: &Path) -> Auth {
    Auth::new(&settings(&server.uri(), home)).unwrap()
}

async fn refuse_refresh(server: &MockServer, answer: ResponseTemplate) {
    Mock::given(query_param("grant_type", "refresh_token")).respond_with(answer).mount(server).await;
}

fn refusal(status: u16, code: &str, text: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({ "code": status, "error_code": code, "msg": text }))
}

async fn token(auth: &Auth) -> String {
    auth.access_token().await.unwrap().expose_secret().to_owned()
}

/// Makes the stored access token due for renewal, or over.
fn age(auth: &Auth, seconds_left: i64) {
    let path = auth.inner.file.path();
    let mut file: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    file["session"]["expires_at"] = json!(unix_now() + seconds_left);
    std::fs::write(path, file.to_string()).unwrap();
}

#[tokio::test]
async fn signing_in_stores_a_session_only_its_owner_can_read() {
    let (server, home) = server().await;
    Mock::given(method("POST"))
        .and(path("/auth/v1/token"))
        .and(query_param("grant_type", "password"))
        .and(header("apikey", "sb_publishable_test"))
        .and(body_json(json!({ "email": "ann@example.com", "password": "hunter2" })))
        .respond_with(ResponseTemplate::new(200).set_body_json(granted("first", "r1", 3600)))
        .expect(1)
        .mount(&server)
        .await;
    let here = auth(&server, home.path());
    assert_eq!(here.user(), None);
    let ann = User { id: USER.to_owned(), email: "ann@example.com".to_owned() };
    assert_eq!(here.sign_in("ann@example.com", "hunter2".into()).await.unwrap(), ann);

    // Another process, later.
    let there = auth(&server, home.path());
    assert_eq!(there.user(), Some(ann));
    assert_eq!(token(&there).await, "first");

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(here.inner.file.path()), 0o600);
        assert_eq!(mode(&home.path().join("sessions")), 0o700);
    }
    let shown = format!("{here:?} {there:?}");
    assert!(!shown.contains("first") && !shown.contains("r1"), "{shown}");
}

#[tokio::test]
async fn a_wrong_password_says_so_and_is_sent_once() {
    for refusal in [
        refusal(400, "invalid_credentials", "Invalid login credentials"),
        ResponseTemplate::new(400)
            .set_body_json(json!({ "code": "invalid_credentials", "message": "Invalid login credentials" })),
        ResponseTemplate::new(400).set_body_json(
            json!({ "error": "invalid_grant", "error_description": "Invalid login credentials" }),
        ),
    ] {
        let (server, home) = server().await;
        Mock::given(path("/auth/v1/token")).respond_with(refusal).expect(1).mount(&server).await;
        let error = auth(&server, home.path()).sign_in("a@example.com", "x".into()).await.unwrap_err();
        assert!(matches!(&error, RemoteError::SignedOut(text) if text.contains("password")), "{error}");
    }
}

#[tokio::test]
async fn too_many_attempts_are_busy_not_wrong() {
    let (server, home) = server().await;
    let limited = refusal(429, "over_request_rate_limit", "slow down").insert_header("retry-after", "9");
    Mock::given(path("/auth/v1/token")).respond_with(limited).mount(&server).await;
    let error = auth(&server, home.path()).sign_in("a@example.com", "x".into()).await.unwrap_err();
    assert!(matches!(error, RemoteError::Busy { retry_after: Some(9000), .. }), "{error}");
}

#[tokio::test]
async fn a_code_is_asked_for_without_making_an_account_and_brought_back_as_typed() {
    let (server, home) = server().await;
    Mock::given(path("/auth/v1/otp"))
        .and(body_json(json!({ "email": "ann@example.com", "create_user": false })))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({})))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(path("/auth/v1/verify"))
        .and(body_json(json!({ "type": "email", "email": "ann@example.com", "token": "123456" })))
        .respond_with(ResponseTemplate::new(200).set_body_json(granted("first", "r1", 3600)))
        .expect(1)
        .mount(&server)
        .await;
    let here = auth(&server, home.path());
    here.send_code("ann@example.com").await.unwrap();
    assert_eq!(here.user(), None);
    here.sign_in_with_code("ann@example.com", &" 123 456\n".into()).await.unwrap();
    assert_eq!(token(&here).await, "first");
}

/// What each refusal is called. An earlier session is as it was after every one.
#[tokio::test]
async fn refusals_to_sign_in_say_what_is_wrong_and_what_to_do() {
    let signed_out = |error: &RemoteError| matches!(error, RemoteError::SignedOut(_));
    let busy = |error: &RemoteError| matches!(error, RemoteError::Busy { .. });
    type IsKind<'a> = &'a dyn Fn(&RemoteError) -> bool;
    let rows: [(ResponseTemplate, IsKind<'_>, &str); 10] = [
        (
            refusal(403, "otp_expired", "Token has expired or is invalid"),
            &signed_out,
            "wrong, used or too old",
        ),
        (refusal(422, "otp_disabled", "Signups not allowed for otp"), &signed_out, "nobody has an account"),
        (refusal(400, "email_not_confirmed", "Email not confirmed"), &signed_out, "follow the link"),
        (refusal(400, "invalid_credentials", "Invalid login credentials"), &signed_out, "password is wrong"),
        (refusal(403, "user_banned", "User is banned"), &signed_out, "suspended"),
        (refusal(400, "captcha_failed", "captcha"), &signed_out, "captcha"),
        (
            refusal(400, "validation_failed", "Unable to validate email address"),
            &signed_out,
            "validate email",
        ),
        (
            refusal(429, "over_email_send_rate_limit", "only after 42 seconds")
                .insert_header("retry-after", "42"),
            &busy,
            "sends no more mails for now (only after 42 seconds); try again in 42 s",
        ),
        (
            refusal(429, "over_request_rate_limit", ""),
            &busy,
            "no more attempts for now; try again in a few minutes",
        ),
        (ResponseTemplate::new(503), &busy, "not available"),
    ];
    for (answer, is_kind, words) in rows {
        let (server, home) = server().await;
        let here = signed_in(&server, home.path()).await;
        Mock::given(path("/auth/v1/verify")).respond_with(answer.clone()).expect(1).mount(&server).await;
        Mock::given(path("/auth/v1/otp")).respond_with(answer).expect(1).mount(&server).await;
        for error in [
            here.send_code("ann@example.com").await.unwrap_err(),
            here.sign_in_with_code("ann@example.com", &"1".into()).await.unwrap_err(),
        ] {
            assert!(is_kind(&error) && error.to_string().contains(words), "{error} lacks {words:?}");
        }
        assert_eq!(token(&here).await, "first");
    }
}

#[tokio::test]
async fn a_token_is_used_until_ninety_seconds_before_its_end() {
    let (server, home) = server().await;
    let here = signed_in(&server, home.path()).await;
    grant_refresh(&server, 1).await;
    age(&here, 95);
    assert_eq!(token(&here).await, "first");
    age(&here, 85);
    assert_eq!(token(&here).await, "second");
    assert_eq!(token(&here).await, "second");
}

#[tokio::test]
async fn a_token_granted_for_a_minute_is_not_renewed_at_every_use() {
    let (server, home) = server().await;
    grant_password(&server, 60).await;
    grant_refresh(&server, 0).await;
    let here = auth(&server, home.path());
    here.sign_in("ann@example.com", "hunter2".into()).await.unwrap();
    assert_eq!(token(&here).await, "first");
}

#[tokio::test]
async fn two_processes_that_need_a_token_at_once_refresh_once() {
    let (server, home) = server().await;
    let here = signed_in(&server, home.path()).await;
    age(&here, 10);
    let there = auth(&server, home.path());
    grant_refresh(&server, 1).await;
    let many = (0..8).map(|n| {
        let auth = if n % 2 == 0 { here.clone() } else { there.clone() };
        tokio::spawn(async move { token(&auth).await })
    });
    for task in many.collect::<Vec<_>>() {
        assert_eq!(task.await.unwrap(), "second");
    }
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_whatever_its_age() {
    let (server, home) = server().await;
    let here = signed_in(&server, home.path()).await;
    grant_refresh(&server, 1).await;
    let first = here.access_token().await.unwrap();
    here.invalidate(&first);
    here.invalidate(&first);
    assert_eq!(token(&here).await, "second");
    here.invalidate(&first);
    assert_eq!(token(&here).await, "second", "an old token's refusal says nothing about the new one");
}

#[tokio::test]
async fn a_caller_that_gives_up_does_not_lose_the_rotated_token() {
    let (server, home) = server().await;
    let here = signed_in(&server, home.path()).await;
    age(&here, 10);
    grant_refresh(&server, 1).await;
    let mut impatient = Box::pin(here.access_token());
    // One poll starts the refresh; then nobody waits for it any more.
    assert!(futures_util::poll!(&mut impatient).is_pending());
    drop(impatient);
    assert_eq!(token(&here).await, "second");
    assert_eq!(token(&auth(&server, home.path())).await, "second", "it was stored");
}

#[tokio::test]
async fn a_server_in_trouble_ends_no_session() {
    for trouble in [
        ResponseTemplate::new(500).set_body_string("oops"),
        ResponseTemplate::new(503),
        refusal(429, "over_request_rate_limit", "slow down"),
        refusal(400, "validation_failed", "odd"),
        ResponseTemplate::new(200).set_body_string("{}"),
    ] {
        let (server, home) = server().await;
        let here = signed_in(&server, home.path()).await;
        refuse_refresh(&server, trouble).await;
        age(&here, 30);
        assert_eq!(token(&here).await, "first", "still good for half a minute");
        age(&here, -1);
        assert!(here.access_token().await.is_err());
        assert!(here.user().is_some());
    }
}

#[tokio::test]
async fn a_session_the_server_ended_is_over_for_every_process_and_says_why() {
    for (code, text) in [
        ("refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found"),
        ("validation_failed", "Refresh token is not valid"),
        ("refresh_token_already_used", "Invalid Refresh Token: Already Used"),
        ("session_not_found", "Session not found"),
        ("session_expired", "Session expired"),
        ("", "Invalid Refresh Token: Already Used"),
    ] {
        let (server, home) = server().await;
        let here = signed_in(&server, home.path()).await;
        age(&here, 10);
        refuse_refresh(&server, refusal(400, code, text)).await;
        let error = here.access_token().await.unwrap_err();
        assert!(matches!(&error, RemoteError::SignedOut(why) if why.contains(text)), "{error}");
        let requests = server.received_requests().await.unwrap().len();
        let there = auth(&server, home.path());
        assert_eq!(there.access_token().await.unwrap_err(), error);
        assert_eq!(there.user(), None);
        assert_eq!(server.received_requests().await.unwrap().len(), requests, "nobody asks again");
    }
}

#[tokio::test]
async fn signing_in_and_out_elsewhere_is_noticed() {
    let (server, home) = server().await;
    let there = auth(&server, home.path());
    assert!(matches!(there.access_token().await, Err(RemoteError::SignedOut(_))));
    let here = signed_in(&server, home.path()).await;
    assert_eq!(token(&there).await, "first");
    Mock::given(method("POST"))
        .and(path("/auth/v1/logout"))
        .and(query_param("scope", "local"))
        .and(header("authorization", "Bearer first"))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    assert_eq!(here.sign_out().await.unwrap(), SignedOut::Everywhere);
    assert!(matches!(there.access_token().await, Err(RemoteError::SignedOut(_))));
    assert_eq!(there.user(), None);
}

#[tokio::test]
async fn signing_out_works_without_the_server() {
    let (server, home) = server().await;
    let here = signed_in(&server, home.path()).await;
    drop(server);
    assert!(matches!(here.sign_out().await.unwrap(), SignedOut::HereOnly(_)));
    assert_eq!(here.user(), None);
    assert_eq!(here.sign_out().await.unwrap(), SignedOut::Everywhere, "nothing was left");
}

#[tokio::test]
async fn signing_out_tells_whether_the_server_agreed() {
    let rows = [
        (ResponseTemplate::new(204), None),
        (refusal(403, "session_not_found", "Session from session_id claim does not exist"), None),
        (refusal(403, "bad_jwt", "invalid JWT"), Some("invalid JWT")),
        (refusal(401, "no_authorization", "This endpoint requires a Bearer token"), Some("Bearer")),
        (ResponseTemplate::new(503), Some("503")),
        (refusal(500, "unexpected_failure", "oops"), Some("oops")),
    ];
    for (answer, reason) in rows {
        let (server, home) = server().await;
        let here = signed_in(&server, home.path()).await;
        Mock::given(path("/auth/v1/logout")).respond_with(answer).expect(1).mount(&server).await;
        match (here.sign_out().await.unwrap(), reason) {
            (SignedOut::Everywhere, None) => {}
            (SignedOut::HereOnly(why), Some(reason)) => assert!(why.contains(reason), "{why}"),
            (signed_out, reason) => panic!("{signed_out:?}, not {reason:?}"),
        }
        assert_eq!(here.user(), None);
    }
}

#[tokio::test]
async fn an_overdue_session_that_cannot_be_renewed_is_signed_out_here_only() {
    let (server, home) = server().await;
    let here = signed_in(&server, home.path()).await;
    refuse_refresh(&server, ResponseTemplate::new(503)).await;
    age(&here, -1);
    assert!(matches!(here.sign_out().await.unwrap(), SignedOut::HereOnly(why) if why.contains("503")));
    assert_eq!(here.user(), None);
}

#[tokio::test]
async fn a_damaged_session_is_kept_aside_and_named() {
    let (server, home) = server().await;
    let here = signed_in(&server, home.path()).await;
    std::fs::write(here.inner.file.path(), r#"{"format":1,"session":{"access_token":"fir"#).unwrap();
    for _ in 0..2 {
        let error = here.access_token().await.unwrap_err().to_string();
        assert!(error.contains("damaged") && error.contains("agent login"), "{error}");
        assert!(!error.contains("fir\""), "{error}");
    }
    let folder = std::fs::read_dir(home.path().join("sessions")).unwrap();
    let kept = folder.filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().contains("damaged-"));
    assert_eq!(kept.count(), 1);
    here.sign_in("ann@example.com", "hunter2".into()).await.unwrap();
    assert_eq!(token(&here).await, "first");
}

#[tokio::test]
async fn a_newer_programs_session_is_left_where_it_is() {
    let (server, home) = server().await;
    let here = signed_in(&server, home.path()).await;
    let newer = r#"{"format":9,"project":"x"}"#;
    std::fs::write(here.inner.file.path(), newer).unwrap();
    assert!(here.access_token().await.unwrap_err().to_string().contains("newer agent"));
    assert_eq!(std::fs::read_to_string(here.inner.file.path()).unwrap(), newer);
}

#[tokio::test]
async fn projects_do_not_share_sessions() {
    let (server, home) = server().await;
    let here = signed_in(&server, home.path()).await;
    let other = Auth::new(&settings("https://abc.supabase.co/base", home.path())).unwrap();
    assert_ne!(here.inner.file.path(), other.inner.file.path());
    std::fs::copy(here.inner.file.path(), other.inner.file.path()).unwrap();
    assert_eq!(other.user(), None, "the file names its project");
}
