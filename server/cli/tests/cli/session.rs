//! Signing in and out, against a project that answers as the test says.

use std::net::SocketAddr;

use crate::http;
use crate::support::{Project, Ran};

const GRANTED: &str = r#"{"access_token":"the-access-token","refresh_token":"the-refresh-token","expires_in":3600,
    "user":{"id":"00000000-0000-4000-8000-000000000001","email":"ann@example.com"}}"#;

/// A project that lets everybody in, knows no teams, and answers a sign-out with this status.
fn serve(logout: u16) -> SocketAddr {
    http::serve(move |path, _| {
        let (status, body) = match path.split('?').next() {
            Some("/auth/v1/token") => (200, GRANTED),
            Some("/auth/v1/logout") => (logout, "{}"),
            _ => (200, "[]"),
        };
        (status, body.to_owned())
    })
}

fn run(project: &Project, address: SocketAddr, args: &[&str], log: &str) -> Ran {
    let url = format!("http://{address}");
    let args: Vec<&str> =
        args.iter().copied().chain(["--url", &url, "--anon-key-env", "SUPABASE_KEY"]).collect();
    project.run_reading(&args, &[("SUPABASE_KEY", "sb_publishable_x"), ("AGENT_LOG", log)], "the-password\n")
}

fn signed_in(address: SocketAddr, log: &str) -> (Project, Ran) {
    let project = Project::empty();
    let ran = run(&project, address, &["login", "--email", "ann@example.com", "--password-stdin"], log);
    (project, ran.says(0, &["Signed in", "ann@example.com"]))
}

#[test]
fn signing_out_says_when_the_server_could_not_be_told() {
    for (status, note) in
        [(204, None), (503, Some("the server could not be told to end it: the remote is busy"))]
    {
        let address = serve(status);
        let (project, _) = signed_in(address, "error");
        let ran = run(&project, address, &["logout"], "error").says(0, &["Signed out"]);
        assert_eq!(ran.err.contains("note: "), note.is_some(), "{ran:?}");
        assert!(ran.err.contains(note.unwrap_or_default()), "{ran:?}");
        run(&project, address, &["whoami"], "error").says(1, &[]);

        let (project, _) = signed_in(address, "error");
        let json = run(&project, address, &["logout", "--json"], "error").says(0, &[]).json();
        assert_eq!(json["user"], "ann@example.com");
        assert_eq!(json["notes"][0].is_string(), note.is_some(), "{json}");
    }
}

#[test]
fn the_most_talkative_log_tells_no_secret() {
    let address = serve(204);
    let (project, login) = signed_in(address, "trace");
    let whoami = run(&project, address, &["whoami"], "trace").says(0, &["ann@example.com"]);
    let logout = run(&project, address, &["logout"], "trace").says(0, &["Signed out"]);
    assert!(login.err.contains("/auth/v1/token"), "the requests are logged: {login:?}");
    for ran in [login, whoami, logout] {
        for secret in ["the-access-token", "the-refresh-token", "the-password", "sb_publishable_x"] {
            assert!(!ran.out.contains(secret) && !ran.err.contains(secret), "{secret}: {ran:?}");
        }
    }
}
