//! Lets only messages through to the framework: it ends the whole server at the first frame that it
//! cannot read, and a client's one bad message must cost no more than that message. In its place goes
//! a request that is answered with the error.

use std::borrow::Cow;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tower_lsp::jsonrpc::{Error, Id, Request, Response};

use crate::handlers::ARTIFACTS;
use crate::presence::PRESENCE;
use crate::status::STATUS;

/// The request that stands for a body that is no message; its parameter says whether it is JSON.
pub(crate) const NO_MESSAGE: &str = "agent/noMessage";

const LENGTH: &[u8] = b"content-length:";
/// Longer announcements are mistakes; waiting for their bytes would be waiting for ever.
const LONGEST_BODY: usize = 256 * 1024 * 1024;
/// A header line is short; more than this without a line's end is something else.
const LONGEST_LINE: u64 = 64 * 1024;

/// What a body that is no message is answered.
pub(crate) fn error_of(is_json: bool) -> Error {
    if is_json { Error::invalid_request() } else { Error::parse_error() }
}

/// Copies well-formed messages until either side ends.
pub(crate) async fn pump(input: impl AsyncRead + Unpin, mut output: impl AsyncWrite + Unpin) {
    let mut input = BufReader::new(input);
    while let Ok(Some(body)) = next(&mut input).await {
        let Some(body) = admitted(&body) else { continue };
        let header = format!("Content-Length: {}\r\n\r\n", body.len());
        let sent = async {
            output.write_all(header.as_bytes()).await?;
            output.write_all(&body).await
        };
        if sent.await.is_err() {
            return;
        }
    }
}

/// The next body; whatever announces none is passed over.
async fn next(input: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<Option<Vec<u8>>> {
    let mut length = None;
    loop {
        let mut line = Vec::new();
        if (&mut *input).take(LONGEST_LINE).read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        match (line.trim_ascii().is_empty(), length) {
            (false, _) => length = length_in(&line).or(length),
            (true, None) => {}
            (true, Some(length)) => {
                let mut body = vec![0; length];
                input.read_exact(&mut body).await?;
                return Ok(Some(body));
            }
        }
    }
}

/// The length a header line announces. What is left of a broken message may stand before it.
fn length_in(line: &[u8]) -> Option<usize> {
    let at = line.windows(LENGTH.len()).rposition(|window| window.eq_ignore_ascii_case(LENGTH))?;
    let number = std::str::from_utf8(&line[at + LENGTH.len()..]).ok()?;
    number.trim().parse().ok().filter(|length| *length <= LONGEST_BODY)
}

/// The body as the framework gets it. It takes either parameters or none for a method; the status is
/// answered with both.
fn admitted(body: &[u8]) -> Option<Cow<'_, [u8]>> {
    let request = match serde_json::from_slice::<Request>(body) {
        Ok(request)
            if [STATUS, PRESENCE, ARTIFACTS].contains(&request.method()) && request.params().is_some() =>
        {
            let (method, id, _) = request.into_parts();
            let bare = Request::build(method);
            if let Some(id) = id { bare.id(id) } else { bare }
        }
        Ok(_) => return Some(body.into()),
        Err(_) if serde_json::from_slice::<Response>(body).is_ok() => return Some(body.into()),
        Err(_) => {
            tracing::warn!(bytes = body.len(), "a message that is none");
            let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
            Request::build(NO_MESSAGE).id(Id::Null).params(is_json)
        }
    };
    serde_json::to_vec(&request.finish()).ok().map(Cow::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(input: &str) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let mut out = Vec::new();
        runtime.block_on(pump(input.as_bytes(), &mut out));
        String::from_utf8(out).expect("text")
    }

    fn framed(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn the_status_may_be_asked_for_with_any_parameters() {
        let bare = framed(r#"{"jsonrpc":"2.0","method":"agent/status","id":1}"#);
        assert_eq!(passed(&bare), bare);
        for params in ["{}", "[]", "null", r#"{"some":5}"#] {
            let asked = format!(r#"{{"jsonrpc":"2.0","method":"agent/status","params":{params},"id":1}}"#);
            assert_eq!(passed(&framed(&asked)), bare, "{params}");
        }
    }

    #[test]
    fn messages_pass_and_nothing_else_does_untold() {
        let good = framed(r#"{"jsonrpc":"2.0","method":"initialized"}"#);
        let answer = framed(r#"{"jsonrpc":"2.0","id":1,"result":null}"#);
        let told = |is_json: bool| {
            framed(&format!(r#"{{"jsonrpc":"2.0","method":"agent/noMessage","params":{is_json},"id":null}}"#))
        };
        let bad = [
            (framed("{"), told(false)),
            (framed(""), told(false)),
            (framed("[]"), told(true)),
            (framed("{}"), told(true)),
            ("Content-Length: many\r\n\r\n".to_owned(), String::new()),
            ("Content-Length: 99999999999999\r\n\r\n".to_owned(), String::new()),
            ("\r\n\r\nHello: world\r\n\r\n".to_owned(), String::new()),
            ("Content-Length: 3\r\n\r\n{\"too\": \"short\"}".to_owned(), told(false)),
        ];
        for (bad, told) in bad {
            assert_eq!(passed(&format!("{good}{bad}{answer}")), format!("{good}{told}{answer}"), "{bad:?}");
        }
        let typed = good.replacen("\r\n", "\r\nContent-Type: application/vscode-jsonrpc\r\n", 1);
        assert_eq!(
            passed(&typed.to_lowercase()),
            good.to_lowercase().replace("content-length", "Content-Length")
        );
        assert_eq!(passed(&good[..good.len() - 1]), "", "cut off in the middle");
    }
}
