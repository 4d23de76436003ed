//! Signing in through the browser, whatever the provider: opens a door on this machine's own address,
//! gives the address to send the browser to, and waits for it to come back with a code. The code is
//! worth nothing without the verifier, which never leaves this process; the door opens for one secret
//! path only, and closes after the first who finds it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use agent_core::ports::RemoteError;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use url::Url;

use super::pkce::{self, Verifier};
use super::{Auth, User, wire};

/// How long the browser gets to fetch the page that says how it went.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A sign-in that waits for the browser to come back.
pub struct BrowserSignIn {
    auth: Auth,
    url: Url,
    door: Door,
    verifier: Verifier,
}

/// The listener and the only request it answers.
#[derive(Debug)]
struct Door {
    listener: TcpListener,
    address: SocketAddr,
    path: SecretString,
}

/// The address holds the secret path.
impl std::fmt::Debug for BrowserSignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BrowserSignIn({:?}, {:?})", self.door, self.verifier)
    }
}

/// What the browser came back with; never shown.
enum Came {
    Code(SecretString),
    Denied(String),
}

type Page = Response<Full<Bytes>>;
type Callers = mpsc::Sender<(Came, oneshot::Sender<bool>)>;

impl BrowserSignIn {
    /// Opens the door.
    ///
    /// # Errors
    /// [`RemoteError::Misconfigured`] where this machine lets nobody listen on its own address.
    pub(super) async fn open(auth: Auth, provider: &str) -> Result<Self, RemoteError> {
        let no_door = |error: std::io::Error| {
            RemoteError::Misconfigured(format!(
                "the browser cannot come back to this machine ({error}); sign in with a code by mail instead"
            ))
        };
        // By its number, not by name: only that is accepted on any port without being listed.
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(no_door)?;
        let address = listener.local_addr().map_err(no_door)?;
        let path: SecretString = format!("/callback/{}", pkce::random()?.expose_secret()).into();
        let verifier = Verifier::new()?;
        let mut url = auth.inner.http.address("auth/v1/authorize")?;
        url.query_pairs_mut()
            .append_pair("provider", provider)
            .append_pair("redirect_to", &format!("http://{address}{}", path.expose_secret()))
            .append_pair("code_challenge", &verifier.challenge())
            .append_pair("code_challenge_method", "s256");
        Ok(Self { auth, url, door: Door { listener, address, path }, verifier })
    }

    /// Where to send the browser. For the person who signs in alone: whoever else opens it would
    /// sign this machine in as themselves.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Waits for the browser to come back, and stores the session.
    ///
    /// # Errors
    /// [`RemoteError::SignedOut`] with the reason when the provider or the project refused, or nobody
    /// came back in this time.
    pub async fn finish(self, at_most: Duration) -> Result<User, RemoteError> {
        let Self { auth, door, verifier, .. } = self;
        let (callers, mut came) = mpsc::channel(1);
        let mut visits = JoinSet::new();
        let knock = tokio::time::timeout(at_most, door.first(&mut visits, callers, &mut came)).await;
        let Ok((came, answer)) = knock else {
            return Err(RemoteError::SignedOut(format!(
                "nobody came back from the browser within {} minutes; start again",
                at_most.as_secs().div_ceil(60)
            )));
        };
        // Nobody else is let in from here on.
        drop(door);
        let result = match came {
            Came::Code(code) => {
                auth.enter("auth/v1/token?grant_type=pkce", wire::pkce_args(&code, verifier.secret())).await
            }
            Came::Denied(why) => Err(RemoteError::SignedOut(why)),
        };
        let _ = answer.send(result.is_ok());
        let _ = tokio::time::timeout(LAST_WORDS, async { while visits.join_next().await.is_some() {} }).await;
        result
    }
}

impl Door {
    /// Serves whoever connects until one comes to the secret path. Browsers open connections that
    /// they then do not use, so each is served beside the others.
    async fn first(
        &self,
        visits: &mut JoinSet<()>,
        callers: Callers,
        came: &mut mpsc::Receiver<(Came, oneshot::Sender<bool>)>,
    ) -> (Came, oneshot::Sender<bool>) {
        let path: Arc<str> = self.path.expose_secret().into();
        loop {
            let stream = tokio::select! {
                Some(first) = came.recv() => return first,
                Ok((stream, _)) = self.listener.accept() => stream,
            };
            let (path, callers, host) = (Arc::clone(&path), callers.clone(), self.address.to_string());
            let answer = move |request| answer(request, host.clone(), Arc::clone(&path), callers.clone());
            visits.spawn(async move {
                let mut server = hyper::server::conn::http1::Builder::new();
                let served =
                    server.keep_alive(false).serve_connection(TokioIo::new(stream), service_fn(answer));
                // A browser that hangs up changes nothing.
                let _ = served.await;
            });
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    host: String,
    path: Arc<str>,
    callers: Callers,
) -> Result<Page, Infallible> {
    // A page of somebody else's that made its name mean this machine would send that name.
    let is_ours = request.headers().get(HOST).is_some_and(|name| name.as_bytes() == host.as_bytes());
    if request.method() != Method::GET || !is_ours || request.uri().path() != &*path {
        return Ok(page(StatusCode::NOT_FOUND, "Nothing is here."));
    }
    let came = came(request.uri().query().unwrap_or_default());
    let (done, outcome) = oneshot::channel();
    if callers.send((came, done)).await.is_err() {
        return Ok(page(StatusCode::GONE, "This sign-in is over."));
    }
    Ok(match outcome.await {
        Ok(true) => {
            page(StatusCode::OK, "You are signed in. You can close this page and go on where you were.")
        }
        Ok(false) => page(
            StatusCode::OK,
            "You are not signed in. The terminal or the editor that sent you here says why; you can close this page.",
        ),
        Err(_) => page(StatusCode::GONE, "This sign-in is over."),
    })
}

/// Reads the query that the browser came back with.
fn came(query: &str) -> Came {
    let get = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .filter(|value| !value.is_empty())
    };
    match (get("error"), get("code")) {
        (None, Some(code)) => Came::Code(code.into()),
        (Some(error), _) => {
            let code = get("error_code").unwrap_or_else(|| error.clone());
            Came::Denied(wire::provider_denied(&code, &get("error_description").unwrap_or(error)))
        }
        (None, None) => Came::Denied("the browser came back without a code; start again".to_owned()),
    }
}

/// A page that loads nothing, is kept nowhere, and tells no other site where it was.
fn page(status: StatusCode, text: &str) -> Page {
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>agent</title>\
         <body style=\"font-family: system-ui, sans-serif; margin: 3em\"><p>{text}</p></body></html>"
    );
    let mut page = Response::new(Full::new(Bytes::from(body)));
    *page.status_mut() = status;
    let headers = page.headers_mut();
    let mut set = |name, value: &'static str| {
        headers.insert(name, hyper::header::HeaderValue::from_static(value));
    };
    set(CONTENT_TYPE, "text/html; charset=utf-8");
    set(CACHE_CONTROL, "no-store");
    set(REFERRER_POLICY, "no-referrer");
    set(CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    page
}

#[cfg(test)]
#[path = "browser_tests.rs"]
mod tests;
