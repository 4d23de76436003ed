//! The I/O of the live channel: one task that opens the WebSocket, fetches tokens, keeps time and
//! does what [`super::channel`] says. It never waits for one of these while another could happen.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use agent_core::ports::{LiveEvent, RemoteError};
use agent_core::presence::{Person, Spot};
use futures_util::{SinkExt, StreamExt};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Request, StatusCode, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};
use uuid::Uuid;

use super::channel::Channel;
use super::frames::Frame;
use super::presence::Here;
use super::signals::{Input, Millis, Output};
use crate::auth::{Auth, Token};
use crate::http::cause;
use crate::rest::SupabaseRemote;
use crate::settings::{Settings, host_of};
use crate::tls;

/// The server answers a refused handshake after about 2 s.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A peer that does not read must not hold up the heartbeat that would notice it.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// Hints are a few hundred bytes; hosted projects allow 3 MB.
const MAX_MESSAGE: usize = 8 << 20;
/// How often it is checked whether the machine slept, which a monotonic clock does not notice.
const SLEEP_CHECK: Duration = Duration::from_secs(5);
/// By how much the wall clock must outrun the monotonic one to count as sleep: more than clocks are
/// usually corrected by, less than a server waits for a heartbeat.
const SLEPT: Duration = Duration::from_secs(10);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;
type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Why there is no socket.
enum Failed {
    /// It may work later.
    Lost(String),
    /// It will not, until somebody changes something.
    Refused(String),
}

/// The listener's task.
pub(super) struct Task<F> {
    auth: Auth,
    remote: SupabaseRemote,
    events: F,
    target: Target,
    channel: Channel,
    start: Instant,
    socket: Option<Socket>,
    connecting: Option<Pending<Result<Socket, Failed>>>,
    fetching: Option<Pending<Result<Token, RemoteError>>>,
    asking: Option<Pending<Result<String, RemoteError>>>,
    last_token: Option<SecretString>,
    clocks: (Instant, SystemTime),
    /// Where presence is taken part in: what is open here, and who hears of others.
    presence: Option<Part>,
}

/// The part taken in presence.
pub(super) struct Part {
    pub(super) spots: watch::Receiver<Vec<Spot>>,
    pub(super) meet: Box<dyn Fn(Vec<Person>) + Send>,
}

/// Where to connect to.
#[derive(Clone)]
pub(super) struct Target {
    /// Holds the key in its query, so it is never shown.
    url: SecretString,
    host: String,
    client: String,
    tls: Arc<rustls::ClientConfig>,
}

impl<F: Fn(LiveEvent) + Send> Task<F> {
    pub(super) fn new(
        target: Target,
        remote: SupabaseRemote,
        auth: &Auth,
        events: F,
        presence: Option<Part>,
    ) -> Self {
        let now = Instant::now();
        let mut channel = Channel::new(fastrand::u64(..));
        if presence.is_some() {
            channel = channel.with_presence(Uuid::new_v4().to_string());
        }
        Self {
            auth: auth.clone(),
            remote,
            events,
            target,
            channel,
            start: now,
            socket: None,
            connecting: None,
            fetching: None,
            asking: None,
            last_token: None,
            clocks: (now, SystemTime::now()),
            presence,
        }
    }

    /// Runs until it is dropped.
    pub(super) async fn run(mut self, woken: Arc<Notify>, mut changes: watch::Receiver<u64>) {
        loop {
            let input = self.next(&woken, &mut changes).await;
            let input = if self.slept() { Input::Lost("the computer slept".to_owned()) } else { input };
            if self.presence.is_some() && matches!(input, Input::Woken | Input::Token(..)) {
                // Somebody else may be signed in by now.
                let here = self.here();
                self.feed(here).await;
            }
            self.feed(input).await;
        }
    }

    async fn next(&mut self, woken: &Notify, changes: &mut watch::Receiver<u64>) -> Input {
        let until = self.wait_until();
        tokio::select! {
            result = wait_for(&mut self.connecting) => match result {
                Ok(socket) => {
                    self.socket = Some(socket);
                    Input::Opened
                }
                Err(Failed::Lost(why)) => Input::Lost(why),
                Err(Failed::Refused(why)) => Input::Refused(why),
            },
            result = wait_for(&mut self.fetching) => self.token_input(result),
            result = wait_for(&mut self.asking) => result.map_or_else(failed_input, Input::Topic),
            message = read(&mut self.socket) => message_input(message),
            () = woken.notified() => Input::Woken,
            Ok(()) = changes.changed() => Input::Woken,
            () = here_changed(&mut self.presence) => self.here(),
            () = tokio::time::sleep_until(until) => Input::Tick,
        }
    }

    /// Does what the machine says; sending may fail and thereby be the next thing that happened.
    async fn feed(&mut self, input: Input) {
        let mut next = Some(input);
        while let Some(input) = next.take() {
            for output in self.channel.step(self.now(), input) {
                if let Err(why) = self.act(output).await {
                    next = Some(Input::Lost(why));
                    break;
                }
            }
        }
    }

    async fn act(&mut self, output: Output) -> Result<(), String> {
        match output {
            Output::Connect => self.connecting = Some(Box::pin(connect(self.target.clone()))),
            Output::Disconnect => {
                self.socket = None;
                self.connecting = None;
                self.fetching = None;
                self.asking = None;
            }
            Output::FetchToken { refused } => {
                if let Some(token) = self.last_token.as_ref().filter(|_| refused) {
                    self.auth.invalidate(token);
                }
                let auth = self.auth.clone();
                self.fetching = Some(Box::pin(async move { auth.token().await }));
            }
            Output::FetchTopic => {
                let remote = self.remote.clone();
                self.asking = Some(Box::pin(async move { remote.channel().await }));
            }
            Output::Send(frame) => return self.send(&frame).await,
            Output::Emit(event) => {
                tracing::debug!(?event, "live");
                (self.events)(event);
            }
            Output::Meet(people) => {
                if let Some(part) = &self.presence {
                    (part.meet)(people);
                }
            }
        }
        Ok(())
    }

    async fn send(&mut self, frame: &Frame) -> Result<(), String> {
        let Some(socket) = &mut self.socket else { return Ok(()) };
        tracing::trace!(?frame, "sent");
        match timeout(SEND_TIMEOUT, socket.send(Message::text(frame.encode()))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(cause(&error)),
            Err(_) => Err("the server stopped reading".to_owned()),
        }
    }

    fn token_input(&mut self, result: Result<Token, RemoteError>) -> Input {
        match result {
            Ok(token) => {
                self.last_token = Some(token.secret.clone());
                Input::Token(token.secret, millis(token.fresh_for))
            }
            Err(error) => failed_input(error),
        }
    }

    /// What is open here, as who is signed in.
    fn here(&mut self) -> Input {
        let spots = self.presence.as_mut().map(|part| part.spots.borrow_and_update().clone());
        let user = self.auth.user().unwrap_or_default();
        Input::Here(Here { user: user.id, name: user.email, spots: spots.unwrap_or_default() })
    }

    fn now(&self) -> Millis {
        millis(self.start.elapsed())
    }

    fn wait_until(&self) -> Instant {
        let check = Instant::now() + SLEEP_CHECK;
        match self.channel.deadline(self.now()) {
            Some(deadline) => check.min(self.start + Duration::from_millis(deadline)),
            None => check,
        }
    }

    /// Whether the machine slept since this was last asked: sockets do not survive it, but look as
    /// if they had.
    fn slept(&mut self) -> bool {
        let (mono, wall) = self.clocks;
        self.clocks = (Instant::now(), SystemTime::now());
        let by_wall = self.clocks.1.duration_since(wall).unwrap_or_default();
        let had_socket = self.socket.is_some();
        had_socket && outran(by_wall, self.clocks.0.duration_since(mono))
    }
}

/// Whether time passed that the monotonic clock did not count.
pub(super) fn outran(by_wall: Duration, by_mono: Duration) -> bool {
    by_wall.saturating_sub(by_mono) > SLEPT
}

impl Target {
    pub(super) fn new(settings: &Settings) -> Result<Self, RemoteError> {
        let odd = |error| RemoteError::Misconfigured(format!("remote.realtime_url: {error}"));
        let mut url = settings.realtime_url.join("websocket").map_err(odd)?;
        url.query_pairs_mut()
            .append_pair("apikey", settings.anon_key.expose_secret())
            .append_pair("vsn", "2.0.0");
        Ok(Self {
            host: host_of(&url),
            client: settings.client.clone(),
            tls: Arc::new(tls::config(url.scheme() == "wss")?),
            url: String::from(url).into(),
        })
    }

    fn request(&self) -> Result<Request<()>, WsError> {
        let mut request = self.url.expose_secret().into_client_request()?;
        if let Ok(agent) = HeaderValue::from_str(&self.client) {
            request.headers_mut().insert(header::USER_AGENT, agent);
        }
        Ok(request)
    }
}

async fn connect(target: Target) -> Result<Socket, Failed> {
    let host = target.host.clone();
    let request = target.request().map_err(|error| failed(&host, error))?;
    let limits =
        WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE));
    let tls = Some(Connector::Rustls(target.tls));
    match timeout(CONNECT_TIMEOUT, connect_async_tls_with_config(request, Some(limits), true, tls)).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) => Err(failed(&host, error)),
        Err(_) => Err(Failed::Lost(format!("{host} did not answer within {} s", CONNECT_TIMEOUT.as_secs()))),
    }
}

/// A handshake that HTTP refused says with its status whether waiting helps.
fn failed(host: &str, error: WsError) -> Failed {
    let WsError::Http(response) = &error else {
        return Failed::Lost(format!("{host}: {}", cause(&error)));
    };
    let status = response.status();
    let text = format!("{host} refuses the live connection (HTTP {status})");
    match status {
        StatusCode::UNAUTHORIZED => Failed::Refused(format!("{text}; check remote.anon_key")),
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
            Failed::Refused(format!("{text}; check remote.realtime_url and that Realtime is on"))
        }
        _ => Failed::Lost(text),
    }
}

/// There is no token, or no topic.
fn failed_input(error: RemoteError) -> Input {
    match error {
        RemoteError::SignedOut(why) => Input::SignedOut(format!("not signed in: {why}")),
        error if error.is_retryable() => Input::Unprepared(error.to_string()),
        error => Input::Refused(error.to_string()),
    }
}

fn message_input(message: Option<Result<Message, WsError>>) -> Input {
    let decoded = match message {
        Some(Ok(Message::Text(text))) => Frame::decode_text(&text),
        Some(Ok(Message::Binary(bytes))) => Frame::decode_binary(&bytes),
        Some(Ok(Message::Close(Some(close)))) => {
            return Input::Lost(format!("the server closed the connection ({})", u16::from(close.code)));
        }
        Some(Ok(Message::Close(None))) | None => {
            return Input::Lost("the server closed the connection".to_owned());
        }
        Some(Ok(_)) => return Input::Tick,
        Some(Err(error)) => return Input::Lost(cause(&error)),
    };
    match decoded {
        Ok(frame) => Input::Frame(frame),
        Err(problem) => {
            tracing::debug!(%problem, "skipped what cannot be read");
            Input::Tick
        }
    }
}

/// Waits until something else is open here, forever where nobody is told of it.
async fn here_changed(part: &mut Option<Part>) {
    let Some(part) = part else { return std::future::pending().await };
    if part.spots.changed().await.is_err() {
        // The listener is being dropped, and this task with it.
        std::future::pending().await
    }
}

/// Waits for what is under way, forever when nothing is; done once.
async fn wait_for<T>(pending: &mut Option<Pending<T>>) -> T {
    let Some(future) = pending else { return std::future::pending().await };
    let result = future.await;
    *pending = None;
    result
}

async fn read(socket: &mut Option<Socket>) -> Option<Result<Message, WsError>> {
    match socket {
        Some(socket) => socket.next().await,
        None => std::future::pending().await,
    }
}

fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}
