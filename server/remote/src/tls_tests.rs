use agent_core::ports::{LiveEvent, RemoteError};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{Auth, Settings, listen};

/// A port where somebody hangs up on everybody.
async fn hanging_up() -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    (address, task)
}

/// rustls panics where it has to guess its provider, so a failed handshake is proof enough that
/// both clients were given one.
#[tokio::test]
async fn tls_needs_no_process_wide_provider() {
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
    let (address, task) = hanging_up().await;
    let home = TempDir::new().unwrap();
    let url = format!("https://{address}").parse().unwrap();
    let home_path = home.path().to_owned();
    let settings = Settings::new(url, "sb_publishable_test".into(), Uuid::nil(), home_path, "agent").unwrap();
    let auth = Auth::new(&settings).unwrap();
    let error = auth.sign_in("a@example.com", "x".into()).await.unwrap_err();
    assert!(matches!(error, RemoteError::Unreachable(_)), "{error}");
    task.abort();

    let tls = std::sync::Arc::new(super::config(true).unwrap());
    let connector = Some(tokio_tungstenite::Connector::Rustls(tls));
    let (address, task) = hanging_up().await;
    let request = format!("wss://{address}/websocket");
    let refused = tokio_tungstenite::connect_async_tls_with_config(request, None, true, connector).await;
    assert!(refused.is_err());
    task.abort();

    let (sender, mut events) = mpsc::unbounded_channel();
    let _listener = listen(&settings, &auth, move |event| drop(sender.send(event)));
    assert!(matches!(events.recv().await, Some(LiveEvent::Refused(why)) if why.contains("not signed in")));
}
