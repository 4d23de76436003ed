use std::path::Path;

use agent_core::id::Seq;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use url::Url;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::frames::Frame;
use super::*;
use crate::testing::{self, grant_refresh, settings, signed_in, tell_channel};

/// A Realtime server that does what the test says, next to the Auth server that grants `first`.
struct Script {
    listener: TcpListener,
    project: MockServer,
    settings: Settings,
    auth: Auth,
    home: TempDir,
}

impl Script {
    async fn new() -> Self {
        let project = MockServer::start().await;
        let home = TempDir::new().unwrap();
        let auth = signed_in(&project, home.path()).await;
        tell_channel(&project).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("ws://{}/socket", listener.local_addr().unwrap())).unwrap();
        let settings = settings(&project.uri(), home.path()).with_realtime_url(Some(url)).unwrap();
        Self { listener, project, settings, auth, home }
    }

    fn listen(&self) -> (Listener, mpsc::UnboundedReceiver<LiveEvent>) {
        let (sender, events) = mpsc::unbounded_channel();
        let listener = listen(&self.settings, &self.auth, move |event| {
            let _ = sender.send(event);
        });
        (listener, events)
    }

    async fn accept(&self) -> Peer {
        let (stream, _) = self.listener.accept().await.unwrap();
        #[expect(clippy::result_large_err, reason = "the signature is the library's")]
        let check = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            assert_eq!(request.uri().path(), "/socket/websocket");
            assert_eq!(request.uri().query(), Some("apikey=sb_publishable_test&vsn=2.0.0"));
            Ok(response)
        };
        Peer(tokio_tungstenite::accept_hdr_async(stream, check).await.unwrap())
    }

    /// As another process would renew it.
    fn replace_token(&self, old: &str, new: &str) {
        let file = session_file(self.home.path());
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(old));
        std::fs::write(&file, text.replace(old, new)).unwrap();
    }
}

fn session_file(home: &Path) -> std::path::PathBuf {
    let entries = std::fs::read_dir(home.join("sessions")).unwrap().map(|entry| entry.unwrap().path());
    entries.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "json")).unwrap()
}

/// The server's end of one connection.
struct Peer(WebSocketStream<TcpStream>);

impl Peer {
    async fn next(&mut self) -> Frame {
        loop {
            match self.0.next().await.unwrap().unwrap() {
                Message::Text(text) => return Frame::decode_text(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn send(&mut self, join_ref: Option<&str>, reference: Option<&str>, event: &str, payload: Value) {
        let text = json!([join_ref, reference, topic(), event, payload]).to_string();
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// Takes a join and returns its ref and token.
    async fn join(&mut self) -> (String, String) {
        let frame = self.next().await;
        assert_eq!((frame.event.as_str(), frame.topic), ("phx_join", topic()));
        assert_eq!(frame.join_ref, frame.reference);
        let token = frame.payload["access_token"].as_str().unwrap().to_owned();
        (frame.join_ref.unwrap(), token)
    }

    /// Takes a join and lets it in; returns its ref and token.
    async fn let_in(&mut self) -> (String, String) {
        let (join_ref, token) = self.join().await;
        let ok = json!({ "status": "ok", "response": { "postgres_changes": [] } });
        self.send(Some(&join_ref), Some(&join_ref), "phx_reply", ok).await;
        let up =
            json!({ "status": "ok", "extension": "system", "message": "Replication connection established" });
        self.send(Some(&join_ref), None, "system", up).await;
        (join_ref, token)
    }

    async fn refuse(&mut self, reason: &str) {
        let (join_ref, _) = self.join().await;
        let error = json!({ "status": "error", "response": { "reason": reason } });
        self.send(Some(&join_ref), Some(&join_ref), "phx_reply", error).await;
    }
}

/// The next event that is not `Ready`. On a paused clock the wait for the feed may seem long, and
/// its coming late: then `Ready` is said again.
async fn after_ready(events: &mut mpsc::UnboundedReceiver<LiveEvent>) -> Option<LiveEvent> {
    loop {
        let event = events.recv().await;
        if event != Some(LiveEvent::Ready) {
            return event;
        }
    }
}

fn topic() -> String {
    format!("realtime:{}", testing::topic())
}

fn binary_broadcast(event: &str, payload: &Value) -> Message {
    let (topic, payload) = (topic(), payload.to_string());
    let mut bytes = vec![4, u8::try_from(topic.len()).unwrap(), u8::try_from(event.len()).unwrap(), 0, 1];
    for part in [topic.as_bytes(), event.as_bytes(), payload.as_bytes()] {
        bytes.extend_from_slice(part);
    }
    Message::binary(bytes)
}

#[tokio::test]
async fn a_binary_broadcast_after_the_join_arrives_as_a_hint() {
    let script = Script::new().await;
    let (_listener, mut events) = script.listen();
    let mut peer = script.accept().await;
    assert_eq!(peer.let_in().await.1, "first");
    assert_eq!(events.recv().await, Some(LiveEvent::Ready));
    let range = json!({ "from_seq": 3, "to_seq": 5, "changes": [] });
    peer.0.send(Message::binary(vec![4, 200, 1])).await.unwrap();
    peer.0.send(Message::text("nonsense")).await.unwrap();
    peer.0.send(binary_broadcast("artifacts_changed", &range)).await.unwrap();
    assert_eq!(events.recv().await, Some(LiveEvent::Moved { from: Seq(3), to: Seq(5) }));
    let text = json!({ "type": "broadcast", "event": "artifacts_changed", "payload": range });
    peer.send(None, None, "broadcast", text).await;
    assert_eq!(events.recv().await, Some(LiveEvent::Moved { from: Seq(3), to: Seq(5) }));
}

#[tokio::test]
async fn a_restarting_server_is_rejoined_with_the_token_of_that_moment() {
    let script = Script::new().await;
    let (_listener, mut events) = script.listen();
    let mut peer = script.accept().await;
    assert_eq!(peer.let_in().await.1, "first");
    assert_eq!(events.recv().await, Some(LiveEvent::Ready));
    tokio::time::pause();
    script.replace_token("first", "renewed");
    let close = CloseFrame { code: CloseCode::Restart, reason: "".into() };
    peer.0.close(Some(close)).await.unwrap();
    let Some(LiveEvent::Lost(why)) = after_ready(&mut events).await else { panic!() };
    assert!(why.contains("1012"), "{why}");
    let mut peer = script.accept().await;
    tokio::time::resume();
    assert_eq!(peer.let_in().await.1, "renewed");
    assert_eq!(events.recv().await, Some(LiveEvent::Ready));
}

#[tokio::test]
async fn a_server_that_falls_silent_is_left_after_two_heartbeats() {
    let script = Script::new().await;
    let (_listener, mut events) = script.listen();
    let mut peer = script.accept().await;
    peer.let_in().await;
    assert_eq!(events.recv().await, Some(LiveEvent::Ready));
    tokio::time::pause();
    let beat = peer.next().await;
    assert_eq!((beat.topic.as_str(), beat.event.as_str()), ("phoenix", "heartbeat"));
    let lost = LiveEvent::Lost("the server stopped answering".to_owned());
    assert_eq!(after_ready(&mut events).await, Some(lost));
    let mut peer = script.accept().await;
    tokio::time::resume();
    peer.let_in().await;
    assert_eq!(events.recv().await, Some(LiveEvent::Ready));
}

#[tokio::test]
async fn a_refused_join_is_told_and_tried_again_only_when_asked() {
    let script = Script::new().await;
    let (listener, mut events) = script.listen();
    let mut peer = script.accept().await;
    for _ in 0..2 {
        peer.refuse("Unauthorized: You do not have permissions to read from this Channel topic: team:x")
            .await;
    }
    let Some(LiveEvent::Refused(why)) = events.recv().await else { panic!() };
    assert!(why.contains("You do not have permissions"), "{why}");
    listener.wake();
    let mut peer = script.accept().await;
    peer.let_in().await;
    assert_eq!(events.recv().await, Some(LiveEvent::Ready));
}

#[tokio::test]
async fn who_is_no_member_hears_it_instead_of_joining() {
    let script = Script::new().await;
    script.project.reset().await;
    let refusal = json!({ "code": "42501", "message": "you are not a member of this team", "hint": null });
    Mock::given(path("/rest/v1/rpc/team_channel"))
        .respond_with(ResponseTemplate::new(403).set_body_json(refusal))
        .mount(&script.project)
        .await;
    let (_listener, mut events) = script.listen();
    let mut peer = script.accept().await;
    let Some(LiveEvent::Refused(why)) = events.recv().await else { panic!() };
    assert!(why.contains("you are not a member of this team"), "{why}");
    assert!(matches!(peer.0.next().await, None | Some(Err(_))), "nothing was joined");
}

#[tokio::test]
async fn a_join_with_an_expired_token_refreshes_once_and_joins_on_the_same_socket() {
    let script = Script::new().await;
    grant_refresh(&script.project, 1).await;
    let (_listener, mut events) = script.listen();
    let mut peer = script.accept().await;
    peer.refuse("InvalidJWTToken: Token has expired 12 seconds ago").await;
    assert_eq!(peer.let_in().await.1, "second");
    assert_eq!(events.recv().await, Some(LiveEvent::Ready));
}

#[tokio::test]
async fn a_token_renewed_by_this_process_is_handed_to_the_server() {
    let script = Script::new().await;
    grant_refresh(&script.project, 1).await;
    let (_listener, mut events) = script.listen();
    let mut peer = script.accept().await;
    peer.let_in().await;
    assert_eq!(events.recv().await, Some(LiveEvent::Ready));
    let first = script.auth.access_token().await.unwrap();
    script.auth.invalidate(&first);
    script.auth.access_token().await.unwrap();
    let frame = peer.next().await;
    assert_eq!(frame.event, "access_token");
    assert_eq!(frame.payload, json!({ "access_token": "second" }));
}

#[tokio::test]
async fn signing_out_closes_the_channel_and_signing_in_opens_it() {
    let script = Script::new().await;
    let (_listener, mut events) = script.listen();
    let mut peer = script.accept().await;
    peer.let_in().await;
    assert_eq!(events.recv().await, Some(LiveEvent::Ready));
    let _ = script.auth.sign_out().await.unwrap();
    assert!(matches!(events.recv().await, Some(LiveEvent::Refused(why)) if why.contains("not signed in")));
    script.auth.sign_in("ann@example.com", "hunter2".into()).await.unwrap();
    let mut peer = script.accept().await;
    peer.let_in().await;
    assert_eq!(events.recv().await, Some(LiveEvent::Ready));
}

#[tokio::test]
async fn nobody_signed_in_means_no_connection_is_made() {
    let script = Script::new().await;
    let _ = script.auth.sign_out().await.unwrap();
    let (_listener, mut events) = script.listen();
    assert!(matches!(events.recv().await, Some(LiveEvent::Refused(_))));
}

#[tokio::test]
async fn a_refused_handshake_says_what_to_check() {
    use tokio::io::AsyncWriteExt;
    let script = Script::new().await;
    let (_listener, mut events) = script.listen();
    let (mut stream, _) = script.listener.accept().await.unwrap();
    let answer = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    stream.write_all(answer.as_bytes()).await.unwrap();
    let Some(LiveEvent::Refused(why)) = events.recv().await else { panic!() };
    assert!(why.contains("401") && why.contains("remote.anon_key"), "{why}");
    assert!(!why.contains("sb_publishable_test"), "{why}");
}

#[tokio::test]
async fn dropping_the_listener_closes_the_connection_and_says_nothing_more() {
    let script = Script::new().await;
    let (listener, mut events) = script.listen();
    let mut peer = script.accept().await;
    peer.let_in().await;
    assert_eq!(events.recv().await, Some(LiveEvent::Ready));
    listener.stop();
    assert!(matches!(peer.0.next().await, None | Some(Err(_))));
    assert_eq!(events.recv().await, None);
}

#[test]
fn sleep_is_what_only_the_wall_clock_counted() {
    let seconds = std::time::Duration::from_secs;
    assert!(socket::outran(seconds(600), seconds(5)));
    assert!(!socket::outran(seconds(6), seconds(5)), "a corrected clock");
    assert!(!socket::outran(seconds(0), seconds(5)), "a clock set back");
}
