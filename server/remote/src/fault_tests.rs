use reqwest::StatusCode;
use serde_json::json;

use super::*;

const HOST: &str = "abc.supabase.co";

fn fault(status: u16, body: impl Into<Vec<u8>>) -> Fault {
    let answer = Answer {
        status: StatusCode::from_u16(status).unwrap(),
        is_json: true,
        retry_after: Some(2000),
        error_code: None,
        date: None,
        redirect: None,
        body: body.into(),
    };
    judge(HOST, &answer)
}

/// What the caller ends up with, by the name of the variant.
fn kind(fault: &Fault) -> &'static str {
    match fault {
        Fault::Expired(_) => "expired",
        Fault::NotYet(_) => "not yet",
        Fault::Brief(RemoteError::Busy { retry_after: Some(2000), .. }) => "briefly busy",
        Fault::Final(RemoteError::Busy { retry_after: Some(2000), .. }) => "busy",
        Fault::Final(RemoteError::TooMuch(_)) => "too much",
        Fault::Final(RemoteError::Forbidden(_)) => "forbidden",
        Fault::Final(RemoteError::Misconfigured(_)) => "misconfigured",
        Fault::Final(RemoteError::Protocol(_)) => "protocol",
        _ => "something else",
    }
}

#[test]
fn every_row_of_the_error_table_has_its_meaning() {
    let rows = [
        (401, "PGRST301", "bad signature", "expired"),
        (401, "PGRST302", "Anonymous access is disabled", "expired"),
        (401, "PGRST303", "JWT expired", "expired"),
        (400, "", "JWT expired", "expired"),
        (401, "42501", "permission denied for function pull_artifacts", "expired"),
        (401, "PGRST303", "JWT issued at future", "not yet"),
        (403, "42501", "you are not a member of this team, or it does not exist", "forbidden"),
        (404, "PGRST202", "Could not find the function public.push_artifacts", "misconfigured"),
        (404, "PGRST205", "Could not find the table", "misconfigured"),
        (404, "42883", "function does not exist", "misconfigured"),
        (404, "42P01", "relation does not exist", "misconfigured"),
        (404, "PT404", "nobody has signed up as x", "forbidden"),
        (409, "PT409", "a team needs at least one admin", "forbidden"),
        (400, "22023", "a team name has 1 to 200 characters", "forbidden"),
        (400, "P0001", "no", "forbidden"),
        (400, "22P02", "invalid input syntax for type uuid", "protocol"),
        (409, "23505", "duplicate key", "protocol"),
        (413, "", "", "too much"),
        (414, "", "", "too much"),
        (500, "57014", "canceling statement due to statement timeout", "too much"),
        (500, "54000", "total size of jsonb array elements exceeds the maximum", "too much"),
        (500, "40001", "could not serialize access", "briefly busy"),
        (500, "XX000", "internal", "protocol"),
        (503, "53300", "too many connections", "briefly busy"),
        (503, "PGRST002", "Could not query the database for the schema cache", "briefly busy"),
        (504, "PGRST003", "Timed out acquiring connection", "briefly busy"),
        (429, "over_request_rate_limit", "Request rate limit reached", "busy"),
        (540, "", "", "misconfigured"),
        (520, "", "", "briefly busy"),
        (522, "", "", "briefly busy"),
        (406, "PGRST106", "The schema must be one of the following", "protocol"),
    ];
    for (status, code, message, expected) in rows {
        let body = json!({ "code": code, "message": message, "details": null, "hint": null }).to_string();
        let fault = fault(status, body);
        assert_eq!(kind(&fault), expected, "{status} {code}: {fault:?}");
    }
}

#[test]
fn what_was_too_much_is_told() {
    for (status, code, message, words) in [
        (413, "", "Request Entity Too Large", "HTTP 413 from abc.supabase.co: Request Entity Too Large"),
        (500, "57014", "canceling statement", "the statement took too long on abc.supabase.co (HTTP 500"),
        (500, "54000", "exceeds", "the statement went over a limit of the database on abc.supabase.co"),
    ] {
        let fault = fault(status, json!({ "code": code, "message": message }).to_string());
        let Fault::Final(RemoteError::TooMuch(text)) = fault else { panic!("{fault:?}") };
        assert!(text.starts_with(words) && text.contains(message), "{text}");
    }
}

#[test]
fn a_wrong_key_is_told_from_a_wrong_token() {
    for body in [
        r#"{"message":"Invalid API key","hint":"Double check your Supabase anon or service_role API key."}"#,
        r#"{"message":"No API key found in request"}"#,
        r#"{"message":"Invalid authentication credentials"}"#,
    ] {
        let fault = fault(401, body);
        let Fault::Final(RemoteError::Misconfigured(text)) = fault else { panic!("{fault:?}") };
        assert!(text.contains(HOST) && text.contains("remote.anon_key"), "{text}");
    }
}

#[test]
fn a_missing_function_names_the_next_step() {
    let fault = fault(404, r#"{"code":"PGRST202","message":"Could not find push_artifacts"}"#);
    let Fault::Final(error) = fault else { panic!("{fault:?}") };
    let text = error.to_string();
    assert!(text.contains("push_artifacts") && text.contains("apply supabase/migrations"), "{text}");
}

#[test]
fn pages_of_proxies_are_shortened_to_their_words() {
    let page =
        format!("<html><head><title>403</title></head><body>Blocked by\n<b>ACME</b>{}", "x".repeat(999));
    let Fault::Final(RemoteError::Protocol(text)) = fault(403, page) else { panic!() };
    assert!(text.contains("Blocked by ACME") && text.contains("firewall") && text.len() < 400, "{text}");
    assert_eq!(kind(&fault(404, "<h1>Not found</h1>")), "misconfigured");
    assert_eq!(kind(&fault(502, b"\xff\xfe".to_vec())), "briefly busy");
}

#[test]
fn a_servers_words_cannot_forge_a_second_line() {
    let fault = fault(403, r#"{"code":"42501","message":"no\nerror: \u001b[31mred","hint":"ask"}"#);
    let Fault::Final(RemoteError::Forbidden(text)) = fault else { panic!("{fault:?}") };
    assert_eq!(text, "no error: [31mred (ask)");
}
