use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use agent_core::id::{ArtifactKey, ArtifactPath, ChangeId, ContentHash, Text, Version};
use agent_core::ports::PushOutcome;
use serde_json::{Value, json};
use tempfile::TempDir;
use wiremock::matchers::{body_partial_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::schema::SCHEMA_VERSION;
use crate::testing::{TEAM, USER, grant_refresh, settings, signed_in};

const SHORT: Duration = Duration::from_millis(500);
const LONG: Duration = Duration::from_secs(5);

async fn remote() -> (MockServer, TempDir, SupabaseRemote) {
    let server = MockServer::start().await;
    let home = TempDir::new().unwrap();
    let auth = signed_in(&server, home.path()).await;
    let remote = SupabaseRemote::new(&settings(&server.uri(), home.path()), auth);
    remote.note(Ok(())).unwrap();
    (server, home, remote)
}

fn change(id: u128) -> PushChange {
    PushChange {
        change_id: ChangeId(Uuid::from_u128(id)),
        key: ArtifactKey::new("story", "INFRA-040").unwrap(),
        base_version: Version(1),
        path: ArtifactPath::new(".agent/stories/INFRA-040.md").unwrap(),
        title: Some("A title".to_owned()),
        state: None,
        content: Some(Text::new("# A title\r\n")),
    }
}

/// What a database says of itself that was made for this program.
fn ours() -> Value {
    json!({ "version": SCHEMA_VERSION, "oldest_client": SCHEMA_VERSION })
}

fn page(rows: Value) -> ResponseTemplate {
    ResponseTemplate::new(200)
        .set_body_json(json!({ "rows": rows, "newest_seq": 7, "more": false, "schema": ours() }))
}

async fn answer(server: &MockServer, function: &str, answer: ResponseTemplate) {
    Mock::given(path(format!("/rest/v1/rpc/{function}"))).respond_with(answer).mount(server).await;
}

#[tokio::test]
async fn a_push_sends_the_documented_body_and_reads_every_outcome() {
    let (server, _home, remote) = remote().await;
    let results = json!([
        { "change_id": Uuid::from_u128(2).to_string(), "result": "rejected",
          "reason": { "code": "forbidden", "message": "viewers cannot change artifacts" } },
        { "change_id": Uuid::from_u128(1).to_string(), "kind": "story", "id": "INFRA-040",
          "result": "applied", "version": 2, "seq": 9, "reason": null, "current": null },
    ]);
    let hash = ContentHash::of(b"# A title\r\n").to_string();
    Mock::given(method("POST"))
        .and(path("/rest/v1/rpc/push_artifacts"))
        .and(header("apikey", "sb_publishable_test"))
        .and(header("authorization", "Bearer first"))
        .and(header("user-agent", "agent/0.1.0"))
        .and(body_partial_json(json!({ "team": TEAM.to_string(), "changes": [{
            "change_id": Uuid::from_u128(1).to_string(), "kind": "story", "id": "INFRA-040",
            "base_version": 1, "path": ".agent/stories/INFRA-040.md", "title": "A title", "state": null,
            "content": "# A title\r\n", "content_hash": hash,
        }, {}] })))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({ "results": results, "from_seq": 9, "newest_seq": 9 })),
        )
        .expect(1)
        .mount(&server)
        .await;

    let reply = remote.push(vec![change(1), change(2)]).await.unwrap();

    assert_eq!(reply.newest_seq, Seq(9));
    assert_eq!(reply.outcomes[0].0, ChangeId(Uuid::from_u128(1)));
    assert!(matches!(reply.outcomes[0].1, PushOutcome::Applied(Version(2), Seq(9))));
    assert!(matches!(&reply.outcomes[1].1, PushOutcome::Rejected { code, .. } if code == "forbidden"));
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_with_the_same_change() {
    let (server, _home, remote) = remote().await;
    Mock::given(path("/rest/v1/rpc/push_artifacts"))
        .respond_with(ResponseTemplate::new(502).set_body_string("<html>Bad gateway</html>"))
        .up_to_n_times(2)
        .mount(&server)
        .await;
    let results = json!([{ "change_id": Uuid::from_u128(1).to_string(), "result": "duplicate", "version": 2, "seq": 9 }]);
    let reply = json!({ "results": results, "newest_seq": 9 });
    answer(&server, "push_artifacts", ResponseTemplate::new(200).set_body_json(reply)).await;

    let reply = remote.push(vec![change(1)]).await.unwrap();

    assert!(matches!(reply.outcomes[0].1, PushOutcome::Duplicate(Version(2), Seq(9))));
    let requests = server.received_requests().await.unwrap();
    let pushes: Vec<_> = requests.iter().filter(|r| r.url.path().ends_with("push_artifacts")).collect();
    assert_eq!(pushes.len(), 3);
    assert!(pushes.iter().all(|push| push.body == pushes[0].body));
}

#[tokio::test]
async fn an_expired_token_is_refreshed_once_and_the_request_repeated() {
    for expired in [
        ResponseTemplate::new(401).set_body_json(json!({ "code": "PGRST303", "message": "JWT expired" })),
        ResponseTemplate::new(401).set_body_json(json!({ "message": "JWT expired", "code": "PGRST301" })),
        ResponseTemplate::new(401).set_body_string("Unauthorized"),
    ] {
        let (server, _home, remote) = remote().await;
        grant_refresh(&server, 1).await;
        Mock::given(header("authorization", "Bearer first")).respond_with(expired).mount(&server).await;
        Mock::given(header("authorization", "Bearer second"))
            .respond_with(page(json!([])))
            .mount(&server)
            .await;
        assert_eq!(remote.pull(Seq(3)).await.unwrap().cursor, Seq(7));
        assert_eq!(remote.pull(Seq(7)).await.unwrap().cursor, Seq(7), "the new token is kept");
    }
}

#[tokio::test]
async fn a_fresh_token_that_is_refused_too_means_signed_out() {
    let (server, _home, remote) = remote().await;
    grant_refresh(&server, 1).await;
    let refused = ResponseTemplate::new(401).set_body_json(json!({ "code": "PGRST301", "message": "bad" }));
    answer(&server, "pull_artifacts", refused).await;
    let error = remote.pull(Seq(0)).await.unwrap_err();
    assert!(matches!(&error, RemoteError::SignedOut(text) if text.contains("fresh token")), "{error}");
}

#[tokio::test]
async fn a_token_issued_in_the_future_is_tried_again_not_refreshed() {
    let (server, _home, remote) = remote().await;
    grant_refresh(&server, 0).await;
    let future = json!({ "code": "PGRST303", "message": "JWT issued at future" });
    Mock::given(path("/rest/v1/rpc/pull_artifacts"))
        .respond_with(ResponseTemplate::new(401).set_body_json(future))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    answer(&server, "pull_artifacts", page(json!([]))).await;
    assert!(remote.pull(Seq(0)).await.is_ok());
}

#[tokio::test]
async fn a_server_that_asks_for_a_long_pause_is_left_alone() {
    let (server, _home, remote) = remote().await;
    for (asked, expected) in [
        ("30", Some(30_000)),
        (" 600 ", Some(600_000)),
        ("601", Some(600_000)),
        ("18446744073709551615", Some(600_000)),
    ] {
        server.reset().await;
        let busy = ResponseTemplate::new(503).insert_header("retry-after", asked);
        answer(&server, "pull_artifacts", busy).await;
        let before = remote.counts().requests;
        let error = remote.pull(Seq(0)).await.unwrap_err();
        let RemoteError::Busy { retry_after, .. } = error else { panic!("{error}") };
        assert_eq!(retry_after, expected, "{asked}");
        assert_eq!(remote.counts().requests - before, 1);
    }
}

#[tokio::test]
async fn a_pull_of_nothing_is_one_counted_request() {
    let (server, _home, remote) = remote().await;
    answer(&server, "pull_artifacts", page(json!([]))).await;
    let before = remote.counts();
    remote.pull(Seq(7)).await.unwrap();
    let after = remote.counts();
    assert_eq!(after.requests - before.requests, 1);
    assert!(after.sent - before.sent < 150 && after.received - before.received < 100);
}

#[tokio::test]
async fn a_sign_in_page_of_the_network_is_not_taken_for_data() {
    let (server, _home, remote) = remote().await;
    let portal = ResponseTemplate::new(200)
        .set_body_raw("<html><body><h1>Hotel</h1> Sign in to use WiFi</body></html>", "text/html");
    answer(&server, "pull_artifacts", portal).await;
    let error = remote.pull(Seq(0)).await.unwrap_err().to_string();
    assert!(error.contains("Hotel Sign in to use WiFi"), "{error}");
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let (server, _home, mut remote) = remote().await;
    remote.http = remote.http.with_max_answer(1 << 20);
    answer(&server, "pull_artifacts", ResponseTemplate::new(200).set_body_bytes(vec![b' '; 2 << 20])).await;
    let error = remote.pull(Seq(0)).await.unwrap_err();
    assert!(matches!(&error, RemoteError::TooMuch(text) if text.contains("over 1 MiB")), "{error}");
}

/// How many bytes of content each pull asked for.
async fn asked(server: &MockServer) -> Vec<u64> {
    let requests = server.received_requests().await.unwrap();
    let pulls = requests.iter().filter(|request| request.url.path().ends_with("pull_artifacts"));
    pulls.map(|pull| pull.body_json::<Value>().unwrap()["max_bytes"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_page_that_does_not_arrive_in_time_is_smaller_the_next_time() {
    let (server, _home, mut remote) = remote().await;
    for (whole, silence) in [(LONG, SHORT), (SHORT, LONG)] {
        server.reset().await;
        remote.page_size = Arc::default();
        remote.http = remote.http.with_patience(whole, silence);
        let rows: Vec<_> = (1..=3).map(|seq| json!({ "seq": seq })).collect();
        let cut = json!({ "rows": rows, "newest_seq": 9, "more": true, "schema": ours() });
        for (most, delay) in [(4_000_000, LONG), (2_000_000, LONG), (1_000_000, Duration::ZERO)] {
            let page = ResponseTemplate::new(200).set_body_json(&cut).set_delay(delay);
            let asked = body_partial_json(json!({ "max_bytes": most }));
            Mock::given(asked).respond_with(page).mount(&server).await;
        }
        for _ in 0..2 {
            let error = remote.pull(Seq(0)).await.unwrap_err();
            assert!(matches!(&error, RemoteError::Unreachable(_)), "{error}");
        }
        assert!(remote.pull(Seq(0)).await.is_ok());
        assert!(remote.clone().pull(Seq(0)).await.is_err(), "clones share what was learnt");
        assert_eq!(asked(&server).await, [4_000_000, 2_000_000, 1_000_000, 2_000_000]);
    }
}

#[tokio::test]
async fn a_page_that_is_too_much_for_the_server_is_smaller_the_next_time_and_others_are_not() {
    let (server, _home, remote) = remote().await;
    let timeout = json!({ "code": "57014", "message": "canceling statement due to statement timeout" });
    for refused in [
        ResponseTemplate::new(500).set_body_json(timeout),
        ResponseTemplate::new(500).set_body_json(json!({ "code": "XX000", "message": "oops" })),
    ] {
        Mock::given(path("/rest/v1/rpc/pull_artifacts"))
            .respond_with(refused)
            .up_to_n_times(1)
            .mount(&server)
            .await;
    }
    answer(&server, "pull_artifacts", page(json!([]))).await;
    let error = remote.pull(Seq(0)).await.unwrap_err();
    assert!(matches!(error, RemoteError::TooMuch(_)), "{error}");
    assert!(remote.pull(Seq(0)).await.is_err());
    assert!(remote.pull(Seq(0)).await.is_ok());
    assert_eq!(asked(&server).await, [4_000_000, 2_000_000, 2_000_000]);
}

/// Answers one request with these pieces and a pause after each; then says nothing more.
async fn answering_slowly(pieces: Vec<String>, pause: Duration) -> std::net::SocketAddr {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await.unwrap();
        for piece in pieces {
            stream.write_all(piece.as_bytes()).await.unwrap();
            tokio::time::sleep(pause).await;
        }
        tokio::time::sleep(LONG).await;
    });
    address
}

#[tokio::test]
async fn an_answer_may_be_slow_but_not_fall_silent() {
    let end = format!(r#"false,"schema":{}}}"#, ours());
    let length = 33 + end.len();
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
    let (_server, home, remote) = remote().await;
    let pieces =
        [head, r#"{"rows":[],"#.to_owned(), r#""newest_seq""#.to_owned(), r#":7,"more":"#.to_owned(), end];
    for (pieces, arrives) in [(&pieces[..], true), (&pieces[..4], false)] {
        let address = answering_slowly(pieces.to_vec(), SHORT / 2).await;
        let http = Http::new(&settings(&format!("http://{address}"), home.path())).unwrap();
        let slow = SupabaseRemote { http: http.with_patience(LONG, SHORT), ..remote.clone() };
        let result = slow.pull(Seq(0)).await;
        assert_eq!(result.is_ok(), arrives, "{result:?}");
        let Err(error) = result else { continue };
        assert!(matches!(&error, RemoteError::Unreachable(text) if text.contains("nothing came")), "{error}");
    }
}

#[tokio::test]
async fn a_database_of_another_age_gets_nothing_and_its_answer_is_not_taken() {
    let (server, _home, remote) = remote().await;
    let schemas = [
        (Value::Null, "or an older one"),
        (json!({ "version": SCHEMA_VERSION - 1, "oldest_client": 1 }), "supabase db push"),
        (json!({ "version": 99, "oldest_client": 99 }), "update agent"),
    ];
    for (schema, word) in schemas {
        server.reset().await;
        // Not even a page is needed to see it.
        let answer_of =
            |rows| ResponseTemplate::new(200).set_body_json(json!({ "rows": rows, "schema": schema }));
        answer(&server, "pull_artifacts", answer_of(json!([]))).await;
        let Err(RemoteError::Incompatible(told)) = remote.pull(Seq(0)).await else { panic!("{schema}") };
        assert!(told.contains(word), "{told}");
        assert_eq!(remote.push(vec![change(1)]).await.unwrap_err(), RemoteError::Incompatible(told));
        assert_eq!(server.received_requests().await.unwrap().len(), 1, "nothing was pushed");
    }
    // A process that has not pulled asks before it pushes; brought up to date, the database is used again.
    server.reset().await;
    answer(&server, "pull_artifacts", page(json!([]))).await;
    *remote.agreement.lock().unwrap() = None;
    let applied =
        json!({ "change_id": change(1).change_id.to_string(), "result": "applied", "version": 2, "seq": 8 });
    let reply = json!({ "results": [applied], "newest_seq": 8 });
    answer(&server, "push_artifacts", ResponseTemplate::new(200).set_body_json(reply)).await;
    for _ in 0..2 {
        remote.push(vec![change(1)]).await.unwrap();
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 3, "it asked once");
}

#[tokio::test]
async fn a_call_without_contents_has_less_time() {
    let (_server, _home, remote) = remote().await;
    let small = remote.http.request(Method::POST, "rest/v1/rpc/create_team", None).unwrap();
    assert_eq!(small.timeout(), Some(&Duration::from_secs(30)));
    assert_eq!(remote.http.for_contents(small).timeout(), Some(&Duration::from_secs(300)));
}

#[tokio::test]
async fn nobody_listening_is_unreachable_with_the_host_and_the_cause() {
    let (server, home, remote) = remote().await;
    let host = server.uri().trim_start_matches("http://").to_owned();
    drop((server, remote.clone()));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let elsewhere = Auth::new(&settings(&format!("http://{address}"), home.path())).unwrap();
    let error = elsewhere.sign_in("a@example.com", "x".into()).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, RemoteError::Unreachable(_)), "{text}");
    assert!(text.contains(&address.to_string()) && text.contains("refused"), "{text} (not {host})");
}

#[tokio::test]
async fn a_connection_cut_before_the_answer_is_tried_again() {
    let (server, home, remote) = remote().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let attempts = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&attempts);
    let cutting = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            seen.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    let cut = settings(&format!("http://{address}"), home.path());
    let cut = SupabaseRemote { http: Http::new(&cut).unwrap(), ..remote };
    let error = cut.pull(Seq(0)).await.unwrap_err();
    assert!(matches!(&error, RemoteError::Unreachable(text) if text.contains("closed")), "{error}");
    assert_eq!(attempts.load(Ordering::SeqCst), 1 + QUICK_RETRIES);
    cutting.abort();
    drop(server);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (server, _home, remote) = remote().await;
    let moved = ResponseTemplate::new(307).insert_header("location", "https://evil.example/rest");
    answer(&server, "pull_artifacts", moved).await;
    let error = remote.pull(Seq(0)).await.unwrap_err();
    assert!(matches!(&error, RemoteError::Misconfigured(text) if text.contains("evil.example")), "{error}");
}

#[tokio::test]
async fn teams_are_made_joined_and_listed() {
    let (server, _home, remote) = remote().await;
    answer(&server, "create_team", ResponseTemplate::new(200).set_body_json(TEAM.to_string())).await;
    let invited = json!({ "invitation": USER, "email": "b@example.com", "role": "editor" });
    answer(&server, "invite_member", ResponseTemplate::new(200).set_body_json(invited)).await;
    Mock::given(method("GET"))
        .and(path("/rest/v1/team_members"))
        .and(query_param("select", "role,teams(id,name)"))
        .and(query_param("user_id", format!("eq.{USER}")))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(
                json!([{ "role": "admin", "teams": { "id": TEAM.to_string(), "name": "Ours" } }]),
            ),
        )
        .mount(&server)
        .await;
    assert_eq!(remote.create_team("Ours").await.unwrap(), TEAM);
    assert_eq!(remote.invite_member(TEAM, "b@example.com", "editor").await.unwrap().to_string(), USER);
    let ours = Team { id: TEAM, name: "Ours".to_owned(), role: "admin".to_owned() };
    assert_eq!(remote.teams().await.unwrap(), [ours]);
}

#[tokio::test]
async fn making_a_team_is_never_repeated_blindly() {
    let (server, _home, remote) = remote().await;
    Mock::given(path("/rest/v1/rpc/create_team"))
        .respond_with(ResponseTemplate::new(502))
        .expect(1)
        .mount(&server)
        .await;
    assert!(matches!(remote.create_team("Ours").await, Err(RemoteError::Busy { .. })));
}

#[tokio::test]
async fn too_many_changes_are_not_even_sent() {
    let (_server, _home, remote) = remote().await;
    let before = remote.counts().requests;
    let changes = (0..1001).map(change).collect();
    assert!(matches!(remote.push(changes).await, Err(RemoteError::TooMuch(_))));
    assert_eq!(remote.counts().requests, before);
}
