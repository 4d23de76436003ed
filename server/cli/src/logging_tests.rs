use tracing::{debug, error, info, trace};

use super::*;

/// What a log file holds after this was logged under the user's filter.
fn logged(directives: &str, log: fn()) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.log");
    let lines = layer().with_ansi(false).with_writer(Mutex::new(open(&path).unwrap()));
    let log_to_file = filtered(EnvFilter::new(directives)).with(lines);
    tracing::subscriber::with_default(log_to_file, log);
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn crates_that_carry_tokens_and_texts_keep_them_whatever_the_filter() {
    for directives in [
        "trace",
        "tungstenite=trace,tokio_tungstenite=debug,hyper=trace",
        "tungstenite::protocol::frame=trace,hyper_util::client=trace,h2::codec=trace",
        "warn,[sending]=trace",
    ] {
        let log = logged(directives, || {
            let _sending = tracing::error_span!("sending").entered();
            trace!(target: "tungstenite::protocol::frame", "{}", "secret");
            trace!(target: "tokio_tungstenite", "secret");
            debug!(target: "tungstenite::client", "secret");
            trace!(target: "hyper::proto", "secret");
            debug!(target: "hyper_util::client", "secret");
            trace!(target: "h2::codec", "secret");
            trace!(target: "rustls::client", "secret");
            trace!(target: "reqwest::connect", "secret");
            trace!(target: "tower_lsp_server::codec", "secret");
            debug!(target: "tower_lsp_server::service", "secret");
            error!(target: "tungstenite::protocol", "a failure");
        });
        assert!(!log.contains("secret"), "{directives}: {log}");
        assert!(log.contains("a failure") || !directives.contains("trace,["), "{directives}: {log}");
    }
}

#[test]
fn everything_else_is_logged_as_the_filter_says() {
    let log = logged("warn,agent_remote=debug,hyper=info", || {
        debug!(target: "agent_remote::http", "first");
        trace!(target: "agent_remote::http", "not this");
        info!(target: "agent_engine", "not this");
        info!(target: "hyper", "second");
        error!(target: "reqwest", "third");
    });
    assert!(["first", "second", "third"].iter().all(|word| log.contains(word)), "{log}");
    assert!(!log.contains("not this"), "{log}");
    let log = logged("trace", || trace!(target: "h2o", "a crate of another name"));
    assert!(log.contains("another name"), "{log}");
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_the_log() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.log");
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    open(&path).unwrap();
    assert_eq!(mode(), 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    open(&path).unwrap();
    assert_eq!(mode(), 0o640, "who shares a log that is there already decided so");
}
