//! One HTTP exchange with the project: headers, time limits, a cap on the answer's size, counting,
//! and readable causes when no answer came. What an answer means is decided in [`crate::fault`].

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use agent_core::ports::RemoteError;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, Request, StatusCode, redirect};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::settings::{Settings, host_of, is_loopback};
use crate::tls;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The slowest line that a batch is still sent over, in bytes per second.
const SLOWEST_UPLOAD: u64 = 16_000;
/// A server that asks for more than this is asked again sooner: the number may be a mistake.
const LONGEST_RETRY_AFTER: u64 = 600_000;
/// Less than the 5 s after which Node's and many proxies' servers close idle connections: reusing
/// one they are just closing loses the request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);
/// Far above the largest page (16 MB), far below what would hurt.
const MAX_ANSWER: usize = 64 << 20;

/// How long an exchange may take.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// From beginning to end: sign-in and other small calls.
    small: Duration,
    /// From beginning to end: calls that carry contents, of several megabytes over a slow line.
    large: Duration,
    /// Without anything arriving, once the request is on its way.
    silence: Duration,
}

const LIMITS: Limits = Limits {
    small: Duration::from_secs(30),
    large: Duration::from_secs(300),
    silence: Duration::from_secs(60),
};

/// How much was asked of the server so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Requests sent, repeated ones and those of the session included.
    pub requests: u64,
    /// Bytes of request bodies.
    pub sent: u64,
    /// Bytes of answers' bodies, after decompression.
    pub received: u64,
}

#[derive(Debug, Default)]
struct Counter {
    requests: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
}

/// The connection pool to one project. Cheap to clone; clones share pool and counts.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: Client,
    base: Url,
    host: Arc<str>,
    counter: Arc<Counter>,
    max_answer: usize,
    limits: Limits,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) is_json: bool,
    /// What `Retry-After` asked for, where it was a number of seconds, in milliseconds.
    pub(crate) retry_after: Option<u64>,
    /// `x-sb-error-code`, where Auth says why in one word.
    pub(crate) error_code: Option<String>,
    /// Where a redirect points, its host only.
    pub(crate) redirect: Option<String>,
    /// The server's clock, to the second, as Unix time.
    pub(crate) date: Option<i64>,
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct NoAnswer {
    pub(crate) error: RemoteError,
    pub(crate) how: Failure,
    /// Whether the two sides could not agree on an encrypted connection.
    pub(crate) is_tls: bool,
}

/// How no answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// At once, so that trying again at once costs the caller nothing.
    Quick,
    /// The server was reached, and the time was too short for all of the answer.
    Slow,
    /// In any other way.
    Other,
}

impl Http {
    pub(crate) fn new(settings: &Settings) -> Result<Self, RemoteError> {
        let secure = settings.url.scheme() == "https";
        let mut tls = tls::config(secure)?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .default_headers(default_headers(settings)?)
            .user_agent(&settings.client)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tcp_nodelay(true)
            // Following one would hand the apikey header to another host.
            .redirect(redirect::Policy::none());
        if is_loopback(&settings.url) {
            // A company's proxy cannot reach this machine's own server.
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| {
            RemoteError::Misconfigured(format!("the HTTP client cannot be set up: {}", cause(&error)))
        })?;
        Ok(Self {
            client,
            base: settings.url.clone(),
            host: settings.host().into(),
            counter: Arc::default(),
            max_answer: MAX_ANSWER,
            limits: LIMITS,
        })
    }

    /// The host, as messages name it.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            requests: self.counter.requests.load(Ordering::Relaxed),
            sent: self.counter.sent.load(Ordering::Relaxed),
            received: self.counter.received.load(Ordering::Relaxed),
        }
    }

    /// An address below the project's.
    pub(crate) fn address(&self, path: &str) -> Result<Url, RemoteError> {
        self.base.join(path).map_err(|error| RemoteError::Misconfigured(format!("{}: {error}", self.host)))
    }

    /// A request for `path` below the project's address, with a JSON body where there is one.
    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Request, RemoteError> {
        let mut request = Request::new(method, self.address(path)?);
        if let Some(body) = body {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(body.into());
        }
        *request.timeout_mut() = Some(self.limits.small);
        Ok(request)
    }

    /// Gives the request the time that contents need, either way.
    pub(crate) fn for_contents(&self, mut request: Request) -> Request {
        *request.timeout_mut() = Some(self.limits.large);
        request
    }

    /// Sends a copy of the request, on behalf of the bearer where there is one, and reads the
    /// answer to its end. The request can be sent again.
    pub(crate) async fn send(
        &self,
        request: &Request,
        bearer: Option<&SecretString>,
    ) -> Result<Answer, NoAnswer> {
        let mut copy = request
            .try_clone()
            .ok_or_else(|| NoAnswer::protocol("a request that can be sent only once".to_owned()))?;
        if let Some(bearer) = bearer {
            copy.headers_mut().insert(AUTHORIZATION, bearer_header(bearer)?);
        }
        let sent = copy.body().and_then(|body| body.as_bytes()).map_or(0, <[u8]>::len);
        self.counter.requests.fetch_add(1, Ordering::Relaxed);
        self.counter.sent.fetch_add(sent as u64, Ordering::Relaxed);
        let path = request.url().path();
        // Nothing tells how far a request got, so it is given the time that a slow line needs.
        let upload = Duration::from_secs(sent as u64 / SLOWEST_UPLOAD);
        let answer = match self.heard(self.limits.silence + upload, self.client.execute(copy)).await {
            Ok(response) => self.read(response).await,
            Err(failed) => Err(failed),
        };
        match &answer {
            Ok(answer) => {
                let (status, received) = (answer.status.as_u16(), answer.body.len());
                tracing::debug!(path, status, sent, received, "answered");
            }
            Err(failed) => tracing::debug!(path, sent, error = %failed.error, "no answer"),
        }
        answer
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Answer, NoAnswer> {
        let headers = response.headers();
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let mut answer = Answer {
            status: response.status(),
            is_json: text("content-type").is_some_and(|kind| kind.contains("json")),
            retry_after: text(RETRY_AFTER.as_str()).and_then(retry_after),
            error_code: text("x-sb-error-code").map(str::to_owned),
            redirect: text("location").map(|target| self.redirect_host(target)),
            date: text("date").and_then(unix_time),
            body: Vec::new(),
        };
        loop {
            let chunk = self.heard(self.limits.silence, response.chunk()).await?;
            let Some(chunk) = chunk else { return Ok(answer) };
            self.counter.received.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            if answer.body.len() + chunk.len() > self.max_answer {
                let (host, most) = (&self.host, self.max_answer >> 20);
                let text = format!("the answer of {host} is over {most} MiB");
                return Err(NoAnswer {
                    error: RemoteError::TooMuch(text),
                    how: Failure::Other,
                    is_tls: false,
                });
            }
            answer.body.extend_from_slice(&chunk);
        }
    }

    /// The next thing the server sends, which may take `patience`.
    async fn heard<T>(
        &self,
        patience: Duration,
        next: impl Future<Output = reqwest::Result<T>>,
    ) -> Result<T, NoAnswer> {
        match tokio::time::timeout(patience, next).await {
            Ok(heard) => heard.map_err(|error| self.no_answer(&error)),
            Err(_) => {
                let text = format!("nothing came from {} for {} s", self.host, patience.as_secs());
                Err(NoAnswer { error: RemoteError::Unreachable(text), how: Failure::Slow, is_tls: false })
            }
        }
    }

    fn redirect_host(&self, target: &str) -> String {
        self.base.join(target).map_or_else(|_| "another address".to_owned(), |url| host_of(&url))
    }

    fn no_answer(&self, error: &reqwest::Error) -> NoAnswer {
        let host = &self.host;
        if error.is_timeout() {
            let (text, how) = match error.is_connect() {
                true => {
                    (format!("{host} did not answer within {} s", CONNECT_TIMEOUT.as_secs()), Failure::Other)
                }
                false => (format!("{host} did not answer in time"), Failure::Slow),
            };
            return NoAnswer { error: RemoteError::Unreachable(text), how, is_tls: false };
        }
        if error.is_decode() {
            return NoAnswer::protocol(format!("{host} sent a damaged answer: {}", cause(error)));
        }
        let text = format!("{host}: {}", cause(error));
        NoAnswer { error: RemoteError::Unreachable(text), how: Failure::Quick, is_tls: is_tls(error) }
    }

    #[cfg(test)]
    pub(crate) fn with_max_answer(mut self, bytes: usize) -> Self {
        self.max_answer = bytes;
        self
    }

    #[cfg(test)]
    pub(crate) fn with_patience(mut self, large: Duration, silence: Duration) -> Self {
        self.limits = Limits { large, silence, ..self.limits };
        self
    }
}

impl NoAnswer {
    fn protocol(text: String) -> Self {
        Self { error: RemoteError::Protocol(text), how: Failure::Other, is_tls: false }
    }
}

fn default_headers(settings: &Settings) -> Result<HeaderMap, RemoteError> {
    let unusable = |_| RemoteError::Misconfigured("remote.anon_key cannot be sent in a header".to_owned());
    let mut key = HeaderValue::from_str(settings.anon_key.expose_secret()).map_err(unusable)?;
    key.set_sensitive(true);
    Ok(HeaderMap::from_iter([(reqwest::header::HeaderName::from_static("apikey"), key)]))
}

fn bearer_header(token: &SecretString) -> Result<HeaderValue, NoAnswer> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
        .map_err(|_| NoAnswer::protocol("the access token holds characters no header may".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The moment of a `Date` header.
fn unix_time(value: &str) -> Option<i64> {
    let moment = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(moment.as_second())
}

/// Seconds only: the other form, a date, would need two clocks to agree.
fn retry_after(value: &str) -> Option<u64> {
    let seconds = value.trim().parse::<u64>().ok()?;
    Some(seconds.saturating_mul(1000).min(LONGEST_RETRY_AFTER))
}

/// Whether the reason is one of TLS's, such as a certificate that nobody here trusts. What an
/// `io::Error` wraps is not its source.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>()
        || wrapped.is_some_and(|wrapped| is_tls(wrapped))
        || error.source().is_some_and(is_tls)
}

/// The innermost cause, which is the one that says what happened ("Connection refused"), with the
/// few that people meet daily put in their words.
pub(crate) fn cause(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    if let Some(io) = innermost.downcast_ref::<std::io::Error>() {
        match io.kind() {
            std::io::ErrorKind::ConnectionRefused => {
                return "connection refused; is the server running?".to_owned();
            }
            std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::UnexpectedEof => {
                return "the connection was closed before an answer came".to_owned();
            }
            _ => {}
        }
    }
    let text = innermost.to_string();
    if text.contains("lookup") || text.contains("dns error") {
        return format!("the host name cannot be resolved ({text}); check the network and remote.url");
    }
    text
}
