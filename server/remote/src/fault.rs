//! What an answer that is no success means: from status, body and headers to a [`RemoteError`] that
//! says what to do. The rows follow PostgREST's error table, GoTrue's codes and the shapes that
//! gateways and proxies in between answer with.

use agent_core::ports::RemoteError;
use serde::Deserialize;

use crate::http::Answer;

/// An answer that is no success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The token is not (or no longer) accepted: refresh it once and repeat.
    Expired(String),
    /// The token is not accepted yet, because the servers' clocks disagree: repeat in a moment.
    NotYet(String),
    /// A failure that passes by itself, often within a second.
    Brief(RemoteError),
    /// The answer did not arrive whole in the time there was: asking for less may help.
    Slow(RemoteError),
    /// Anything else: repeating now changes nothing.
    Final(RemoteError),
}

/// An error's parts, whichever of the services wrote it.
#[derive(Debug, Default)]
pub(crate) struct Problem {
    /// An SQLSTATE, a `PGRST…` code or one of GoTrue's words; empty when there is none.
    pub(crate) code: String,
    /// What happened, with the hint where there is one; the body's start when it is not JSON.
    pub(crate) text: String,
    /// Whether the body was JSON at all: a proxy's error page is not.
    json: bool,
}

/// All the shapes at once: PostgREST `{code,message,details,hint}`, GoTrue `{code,error_code,msg}`
/// and `{code,message}`, OAuth `{error,error_description}`, gateways `{message}`.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    code: Option<serde_json::Value>,
    error_code: Option<String>,
    error: Option<String>,
    message: Option<String>,
    msg: Option<String>,
    error_description: Option<String>,
    hint: Option<String>,
}

impl Problem {
    pub(crate) fn read(answer: &Answer) -> Self {
        let Ok(body) = serde_json::from_slice::<Body>(&answer.body) else {
            return Self { text: excerpt(&answer.body), ..Self::default() };
        };
        let code = answer
            .error_code
            .clone()
            .or(body.error_code)
            .or_else(|| body.code.as_ref().and_then(|code| code.as_str()).map(str::to_owned))
            .or_else(|| body.error_description.as_ref().and(body.error.clone()));
        let text = body.message.or(body.msg).or(body.error_description).or(body.error);
        let text = match (text.unwrap_or_default(), body.hint) {
            (text, Some(hint)) if !hint.is_empty() => format!("{text} ({hint})"),
            (text, _) => text,
        };
        Self { code: code.unwrap_or_default(), text: shorten(&text), json: true }
    }
}

/// Judges an answer whose status is not a success. `host` names the server in messages.
pub(crate) fn judge(host: &str, answer: &Answer) -> Fault {
    let problem = Problem::read(answer);
    let status = answer.status.as_u16();
    let Problem { code, text, .. } = &problem;
    match (status, code.as_str()) {
        _ if is_wrong_key(status, text) => Fault::Final(RemoteError::Misconfigured(format!(
            "{host} does not accept remote.anon_key ({text}); copy the publishable key of this project"
        ))),
        _ if text.contains("JWT issued at future") => Fault::NotYet(text.clone()),
        (401, _) | (_, "PGRST301" | "PGRST302" | "PGRST303") => Fault::Expired(text.clone()),
        _ if text.contains("JWT expired") => Fault::Expired(text.clone()),
        (_, "42501") => Fault::Final(RemoteError::Forbidden(text.clone())),
        (_, "PGRST202" | "PGRST205" | "42883" | "42P01") => Fault::Final(RemoteError::Misconfigured(
            format!("{host} lacks what agent needs ({text}); apply supabase/migrations to the project"),
        )),
        (413 | 414, _) | (_, "57014" | "54000") => Fault::Final(too_much(host, status, &problem)),
        // Raised on purpose by the project's own functions, for people to read.
        (400 | 404 | 409, "P0001" | "22023" | "PT404" | "PT409") => {
            Fault::Final(RemoteError::Forbidden(text.clone()))
        }
        (429, _) => Fault::Final(busy(host, "asks for fewer requests", answer, &problem)),
        (540, _) => Fault::Final(RemoteError::Misconfigured(format!(
            "the project {host} is paused; resume it in the Supabase dashboard"
        ))),
        (502..=504 | 520..=530, _) => Fault::Brief(busy(host, "is not available", answer, &problem)),
        (500, code) if is_passing(code) => Fault::Brief(busy(host, "could not finish", answer, &problem)),
        _ => Fault::Final(unusual(host, answer, &problem)),
    }
}

/// Supabase's gateways answer these for an `apikey` they do not know, none of which is about a token.
fn is_wrong_key(status: u16, text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    matches!(status, 401 | 403)
        && ["invalid api key", "no api key", "invalid authentication credentials", "unregistered api key"]
            .iter()
            .any(|known| text.contains(known))
}

/// SQLSTATE classes that a later attempt may get past: serialization and deadlock, resources,
/// connections, an administrator's restart.
fn is_passing(code: &str) -> bool {
    ["40", "53", "08"].iter().any(|class| code.len() == 5 && code.starts_with(class))
        || matches!(code, "57P01" | "57P02" | "57P03" | "55P03")
}

/// Certain for 413 and 414; a statement also takes long while it waits for the team's lock.
fn too_much(host: &str, status: u16, problem: &Problem) -> RemoteError {
    let said = after_colon(&problem.text);
    RemoteError::TooMuch(match problem.code.as_str() {
        "57014" => format!("the statement took too long on {host} (HTTP {status}{said})"),
        "54000" => format!("the statement went over a limit of the database on {host} (HTTP {status}{said})"),
        _ => format!("HTTP {status} from {host}{said}"),
    })
}

fn busy(host: &str, what: &str, answer: &Answer, problem: &Problem) -> RemoteError {
    let status = answer.status.as_u16();
    let said = if problem.json { after_colon(&problem.text) } else { String::new() };
    RemoteError::Busy {
        detail: format!("{host} {what} (HTTP {status}{said})"),
        retry_after: answer.retry_after,
    }
}

fn unusual(host: &str, answer: &Answer, problem: &Problem) -> RemoteError {
    let status = answer.status.as_u16();
    let said = after_colon(&problem.text);
    match status {
        300..=399 => RemoteError::Misconfigured(format!(
            "{host} redirects to {}; set remote.url to the project's own address",
            answer.redirect.as_deref().unwrap_or("another address")
        )),
        403 if problem.json => RemoteError::Forbidden(problem.text.clone()),
        403 => RemoteError::Protocol(format!("a proxy or firewall answered for {host} (HTTP 403{said})")),
        404 => RemoteError::Misconfigured(format!(
            "there is no Supabase API at {host} (HTTP 404{said}); check remote.url"
        )),
        _ => RemoteError::Protocol(format!("{host} answered HTTP {status}{said}")),
    }
}

fn after_colon(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

/// The first words of a body that is not JSON, without markup, so that a person can recognise the
/// proxy or portal that wrote it.
pub(crate) fn excerpt(body: &[u8]) -> String {
    let head = String::from_utf8_lossy(&body[..body.len().min(2048)]);
    let mut text = String::new();
    let mut in_tag = false;
    for c in head.chars() {
        match c {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                text.push(' ');
            }
            _ if !in_tag => text.push(c),
            _ => {}
        }
    }
    shorten(&text)
}

/// One line of at most 300 characters: servers' words end up in status bars and terminals.
fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    match line.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
#[path = "fault_tests.rs"]
mod tests;
